"""Plans to sell, who has which, and how much of it is used."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import Tenant
from orsta.core.admin import ReadOnlyAdmin, ServiceAdmin, column
from subscriptions.models import Plan, QuotaUsage, Subscription
from subscriptions.services import lifecycle
from subscriptions.states import SubscriptionStatus

STATUS_COLORS = {
    SubscriptionStatus.ACTIVE.label: "success",
    SubscriptionStatus.EXPIRED.label: "warning",
}


class GrantForm(BaseDialogForm):
    """Which period to give away, and why."""

    plan = forms.ModelChoiceField(
        queryset=Plan.objects.order_by("name"), widget=UnfoldAdminSelectWidget
    )
    reason = forms.CharField(
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="Kept in the audit log.",
    )


class FirstGrantForm(GrantForm):
    """The same for a tenant that may have no subscription yet."""

    tenant = forms.ModelChoiceField(
        queryset=Tenant.objects.all(),
        to_field_name="public_id",
        widget=UnfoldAdminTextInputWidget,
        help_text="The tenant's id: ten_…",
        error_messages={"invalid_choice": "There is no tenant with this id."},
    )
    field_order = ["tenant", "plan", "reason"]


@admin.register(Plan)
class PlanAdmin(ServiceAdmin):
    """Staff edit plans; a new price holds for payments from then on."""

    list_display = [
        "name", "code", "price_minor", "currency", "period_days", "max_sessions", "is_default",
        "is_active",
    ]  # fmt: skip
    list_filter = ["is_active", "currency"]
    search_fields = ["name", "code"]
    ordering = ["name"]


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Written by payments and by the two actions; everything else is for looking."""

    list_display = ["public_id", "tenant_name", "plan", "state", "starts_at", "ends_at"]
    list_filter = ["status", "plan", "ends_at"]
    list_select_related = ["tenant", "plan"]
    search_fields = ["public_id", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
    tenant_name = column("tenant.name", "Tenant")
    actions_list = ["grant_to_tenant"]
    actions_detail = ["grant_period", "expire_now"]

    @display(description="Status", ordering="status", label=STATUS_COLORS)
    def state(self, subscription: Subscription) -> str:
        return subscription.get_status_display()

    @action(
        description="Grant period to a tenant",
        permissions=["operate"],
        dialog={
            "title": "Give a tenant a period?",
            "description": "A running period is extended; otherwise one starts now. "
            "Nothing is charged.",
            "form_class": FirstGrantForm,
            "form_submit_text": "Grant",
        },
    )
    def grant_to_tenant(self, request: HttpRequest, form: FirstGrantForm) -> HttpResponse:
        granted = self._grant(request, form, form.cleaned_data["tenant"])
        return self.run_service(
            request, granted.pk, lambda: granted, done="The period was granted."
        )

    @action(
        description="Grant period",
        permissions=["operate"],
        dialog={
            "title": "Give this tenant a period?",
            "description": "A running period is extended; otherwise one starts now. "
            "Nothing is charged.",
            "form_class": GrantForm,
            "form_submit_text": "Grant",
        },
    )
    def grant_period(
        self, request: HttpRequest, form: GrantForm, object_id: str
    ) -> HttpResponse:
        tenant = Subscription.objects.select_related("tenant").get(pk=object_id).tenant
        return self.run_service(
            request,
            object_id,
            lambda: self._grant(request, form, tenant),
            done="The period was granted.",
        )

    @action(
        description="Expire now",
        permissions=["operate"],
        dialog={
            "title": "End this period now?",
            "description": "The tenant can make no more sessions until it pays again. "
            "Nothing is refunded.",
            "form_class": None,
            "form_submit_text": "Expire",
        },
    )
    def expire_now(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        subscription = Subscription.objects.select_related("tenant", "plan").get(pk=object_id)
        return self.run_service(
            request,
            object_id,
            lambda: lifecycle.expire(
                subscription=subscription, actor=_actor(request), now=timezone.now()
            ),
            done="The period has ended.",
        )

    def _grant(self, request: HttpRequest, form: GrantForm, tenant: Tenant) -> Subscription:
        return lifecycle.grant(
            tenant=tenant,
            plan=form.cleaned_data["plan"],
            reason=form.cleaned_data["reason"],
            actor=_actor(request),
            now=timezone.now(),
        )


@admin.register(QuotaUsage)
class QuotaUsageAdmin(ReadOnlyAdmin):
    """How much of each quota is taken."""

    list_display = ["tenant_name", "quota", "used"]
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["quota"]
    list_select_related = ["tenant"]
    search_fields = ["tenant__public_id", "tenant__name"]
    ordering = ["-used"]


def _actor(request: HttpRequest) -> Any:
    """Return the member of staff; the admin lets nobody else in."""
    return request.user
