"""What staff do to a whole tenant: suspend, resume, delete, keep, export."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from accounts.admin.staff import actor_of
from accounts.models import Tenant
from accounts.services import exports, tenants
from orsta.core.admin import ReadOnlyAdmin
from orsta.core.admin_dialogs import ReasonForm, dialog


class SuspensionForm(ReasonForm):
    """Why, in words that the tenant may read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "Kept in the audit log; the tenant sees it."


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
        dialog=dialog(
            "Suspend this tenant?",
            "Its keys are refused and its sessions stop; its people can only "
            "look. Nothing is removed.",
            "Suspend",
            SuspensionForm,
        ),
    )
    def suspend(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Stop the tenant."""
        done = "The tenant is suspended."
        return self._move(request, object_id, tenants.suspend, form, done)

    @action(
        description="Resume",
        permissions=["operate"],
        dialog=dialog(
            "Resume this tenant?",
            "Its keys work again, and its sessions come back.",
            "Resume",
            ReasonForm,
        ),
    )
    def resume(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Let the tenant go on."""
        done = "The tenant is active."
        return self._move(request, object_id, tenants.resume, form, done)

    @action(
        description="Delete",
        permissions=["operate"],
        dialog=dialog(
            "Delete this tenant?",
            "It stops at once. After 14 days everything it has is removed for "
            "good; until then this can be cancelled.",
            "Delete",
            ReasonForm,
        ),
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
        dialog=dialog(
            "Keep this tenant?",
            "It is again what it was before its deletion was scheduled.",
            "Keep",
            ReasonForm,
        ),
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
        dialog=dialog(
            "Make an archive of this tenant?",
            "Its owners and admins can download it in the console for a week.",
            "Export",
        ),
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
