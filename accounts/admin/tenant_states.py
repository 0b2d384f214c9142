"""What staff do to a whole tenant: suspend, resume, delete, keep, export."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin.staff import actor_of
from accounts.models import Tenant
from accounts.services import exports, tenants
from orsta.core.admin import ReadOnlyAdmin


class ReasonForm(BaseDialogForm):
    """Why."""

    reason = forms.CharField(
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="Kept in the audit log; of a suspension, the tenant sees it.",
    )


class StateActions(ReadOnlyAdmin):
    """The actions; `TenantAdmin` is one of these."""

    def _move(
        self,
        request: HttpRequest,
        object_id: str,
        service: Callable[..., Any],
        form: BaseDialogForm,
        done: str,
    ) -> HttpResponse:
        tenant, actor = Tenant.objects.get(pk=object_id), actor_of(request).public_id
        why = form.cleaned_data["reason"]
        return self.run_service(
            request,
            object_id,
            lambda: service(tenant=tenant, reason=why, actor=actor, now=timezone.now()),
            done=done,
        )

    @action(
        description="Suspend",
        permissions=["operate"],
        dialog={
            "title": "Suspend this tenant?",
            "description": "Its keys are refused and its sessions stop; its people can only "
            "look. Nothing is removed.",
            "form_class": ReasonForm,
            "form_submit_text": "Suspend",
        },
    )
    def suspend(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Stop the tenant."""
        done = "The tenant is suspended."
        return self._move(request, object_id, tenants.suspend, form, done)

    @action(
        description="Resume",
        permissions=["operate"],
        dialog={
            "title": "Resume this tenant?",
            "description": "Its keys work again, and its sessions come back.",
            "form_class": ReasonForm,
            "form_submit_text": "Resume",
        },
    )
    def resume(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Let the tenant go on."""
        done = "The tenant is active."
        return self._move(request, object_id, tenants.resume, form, done)

    @action(
        description="Delete",
        permissions=["operate"],
        dialog={
            "title": "Delete this tenant?",
            "description": "It stops at once. After 14 days everything it has is removed for "
            "good; until then this can be cancelled.",
            "form_class": ReasonForm,
            "form_submit_text": "Delete",
        },
    )
    def schedule_deletion(
        self, request: HttpRequest, form: ReasonForm, object_id: str
    ) -> HttpResponse:
        """Have the tenant purged after the grace."""
        done = "The deletion is scheduled."
        return self._move(request, object_id, tenants.schedule_deletion, form, done)

    @action(
        description="Cancel deletion",
        permissions=["operate"],
        dialog={
            "title": "Keep this tenant?",
            "description": "It is again what it was before its deletion was scheduled.",
            "form_class": ReasonForm,
            "form_submit_text": "Keep",
        },
    )
    def cancel_deletion(
        self, request: HttpRequest, form: ReasonForm, object_id: str
    ) -> HttpResponse:
        """Keep the tenant after all."""
        done = "The deletion is cancelled."
        return self._move(request, object_id, tenants.cancel_deletion, form, done)

    @action(
        description="Export",
        permissions=["operate"],
        dialog={
            "title": "Make an archive of this tenant?",
            "description": "Its owners and admins can download it in the console for a week.",
            "form_submit_text": "Export",
        },
    )
    def export(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Have an archive written."""
        tenant, actor = Tenant.objects.get(pk=object_id), actor_of(request)
        return self.run_service(
            request,
            object_id,
            lambda: exports.request(tenant=tenant, by=actor, now=timezone.now()),
            done="The archive is being written.",
        )
