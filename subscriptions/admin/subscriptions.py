"""Who has which plan, and everything staff may do about it."""

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.admin.staff import actor_of
from accounts.models import Tenant
from orsta.core.admin import ReadOnlyAdmin, ReadOnlyInline, column
from orsta.core.admin_dialogs import ReasonForm, dialog
from subscriptions import charts, selectors
from subscriptions.admin import forms
from subscriptions.models import Feature, Subscription, SubscriptionTransition
from subscriptions.services import lifecycle, overrides
from subscriptions.states import SubscriptionStatus

S = SubscriptionStatus
STATUS_COLORS = {
    S.TRIALING.label: "info",
    S.ACTIVE.label: "success",
    S.PAST_DUE.label: "warning",
    S.GRACE.label: "warning",
    S.SUSPENDED.label: "danger",
    S.EXPIRED.label: "default",
    S.CANCELLED.label: "default",
}
_CHART_DAYS = 30
_NO_CHARGE = "A running period is extended; otherwise one starts now. Nothing is charged."


class TransitionInline(ReadOnlyInline):
    """Every step of a subscription's life."""

    model = SubscriptionTransition
    fields = ["at", "old", "new", "plan", "ends_at", "actor", "reason"]
    verbose_name_plural = "steps"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionTransition]:
        """Return the steps with their plans in one query."""
        steps: QuerySet[SubscriptionTransition] = super().get_queryset(request)
        return steps.select_related("plan")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Written by payments, by time and by the actions here, each with a reason."""

    list_display = ["public_id", "tenant_name", "plan", "state", "starts_at", "ends_at"]
    list_filter = ["status", "plan", "provider", "cancel_at_end", "ends_at"]
    list_select_related = ["tenant", "plan"]
    search_fields = ["public_id", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
    tenant_name = column("tenant.name", "Tenant")
    fields = [
        "public_id", "tenant", "plan", "state", "cancel_at_end", "starts_at", "ends_at",
        "grace_ends_at", "period_starts_at", "period_ends_at", "provider",
    ]  # fmt: skip
    readonly_fields = fields
    inlines = [TransitionInline]
    change_form_outer_after_template = "admin/subscription_usage.html"
    actions_list = ["grant_to_tenant", "start_trial"]
    actions_detail = [
        "grant_period",
        "extend",
        "change_limit",
        {
            "title": "Stop or resume",
            "icon": "more_horiz",
            "items": ["cancel", "suspend", "resume", "expire_now"],
        },
    ]

    @display(description="Status", ordering="status", label=STATUS_COLORS)
    def state(self, subscription: Subscription) -> str:
        return subscription.get_status_display()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the usage below the row."""
        found = self.get_object(request, object_id)
        usage = _usage_of(found.tenant) if found is not None else {}
        context = usage | (extra_context or {})
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    @action(
        description="Grant period to a tenant",
        permissions=["operate"],
        dialog=dialog("Give a tenant a period?", _NO_CHARGE, "Grant", forms.TenantForm),
    )
    def grant_to_tenant(self, request: HttpRequest, form: forms.TenantForm) -> HttpResponse:
        return self._first(request, form, lifecycle.activate, "The period was granted.")

    @action(
        description="Start a trial",
        permissions=["operate"],
        dialog=dialog(
            "Let a tenant try a plan?",
            "Once per tenant, and not while it has a subscription. Nothing is charged.",
            "Start",
            forms.TrialForm,
        ),
    )
    def start_trial(self, request: HttpRequest, form: forms.TrialForm) -> HttpResponse:
        return self._first(request, form, lifecycle.start_trial, "The trial has started.")

    @action(
        description="Grant period",
        permissions=["operate"],
        dialog=dialog("Give this tenant a period?", _NO_CHARGE, "Grant", forms.GrantForm),
    )
    def grant_period(
        self, request: HttpRequest, form: forms.GrantForm, object_id: str
    ) -> HttpResponse:
        return self._run(
            request, object_id, form, lifecycle.activate, "The period was granted."
        )

    @action(
        description="Extend",
        permissions=["operate"],
        dialog=dialog(
            "Move the end of this subscription?",
            "By some days, on the same plan. Nothing is charged.",
            "Extend",
            forms.ExtendForm,
        ),
    )
    def extend(
        self, request: HttpRequest, form: forms.ExtendForm, object_id: str
    ) -> HttpResponse:
        return self._run(request, object_id, form, lifecycle.extend, "The end was moved.")

    @action(
        description="Change a limit",
        permissions=["operate"],
        dialog=dialog(
            "Give this tenant another limit than its plan's?",
            "It holds within seconds. What is taken beyond it stays.",
            "Change",
            forms.LimitForm,
        ),
    )
    def change_limit(
        self, request: HttpRequest, form: forms.LimitForm, object_id: str
    ) -> HttpResponse:
        return self._run(request, object_id, form, _change_limit, "The limit was changed.")

    @action(
        description="Cancel",
        permissions=["operate"],
        dialog=dialog(
            "Cancel this subscription?",
            "Its sessions stop when it ends, and nothing is refunded.",
            "Confirm",
            forms.CancelForm,
        ),
    )
    def cancel(
        self, request: HttpRequest, form: forms.CancelForm, object_id: str
    ) -> HttpResponse:
        return self._run(request, object_id, form, _cancel, "That is noted.")

    @action(
        description="Suspend",
        permissions=["operate"],
        dialog=dialog(
            "Suspend this subscription?",
            "Its sessions stop at once and stay linked. The paid time runs on.",
            "Suspend",
            ReasonForm,
        ),
    )
    def suspend(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        done = "The subscription is suspended."
        return self._run(request, object_id, form, lifecycle.suspend, done)

    @action(
        description="Resume",
        permissions=["operate"],
        dialog=dialog(
            "Lift the suspension?",
            "What was running before starts again, if its time is not over.",
            "Resume",
            ReasonForm,
        ),
    )
    def resume(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        done = "The subscription goes on."
        return self._run(request, object_id, form, lifecycle.resume, done)

    @action(
        description="Expire now",
        permissions=["operate"],
        dialog=dialog(
            "End this period now?",
            "Its sessions stop until the tenant pays again. Nothing is refunded.",
            "Expire",
            ReasonForm,
        ),
    )
    def expire_now(
        self, request: HttpRequest, form: ReasonForm, object_id: str
    ) -> HttpResponse:
        return self._run(request, object_id, form, lifecycle.expire, "The period has ended.")

    def _run(
        self,
        request: HttpRequest,
        object_id: str,
        form: BaseDialogForm,
        service: Callable[..., Any],
        done: str,
    ) -> HttpResponse:
        rows = Subscription.objects.select_related("tenant")
        tenant = get_object_or_404(rows, pk=object_id).tenant
        call = _call(service, request, form, tenant=tenant)
        return self.run_service(request, object_id, call, done=done)

    def _first(
        self,
        request: HttpRequest,
        form: forms.TenantForm,
        service: Callable[..., Subscription],
        done: str,
    ) -> HttpResponse:
        """Run a service that may make the subscription, so that there is no row to name yet."""
        return self.run_service(request, None, _call(service, request, form), done=done)


def _call(
    service: Callable[..., Any], request: HttpRequest, form: BaseDialogForm, **known: Any
) -> Callable[[], Any]:
    # The dialog has a hidden field of its own.
    asked = {name: value for name, value in form.cleaned_data.items() if name[0] != "_"}
    values = asked | known
    actor = actor_of(request).public_id
    return lambda: service(**values, actor=actor, now=timezone.now())


def _cancel(*, when: str, **values: Any) -> None:
    if when == forms.KEEP:
        lifecycle.keep(**values)
    else:
        lifecycle.cancel(**values, at_end=when == forms.AT_END)


def _change_limit(*, kind: str, limit: int | None, days: int | None, **values: Any) -> None:
    if kind == forms.PLAN_LIMIT:
        overrides.remove_limit(**values)
        return
    overrides.set_limit(
        **values,
        limit=limit if kind == forms.NUMBER else None,
        expires_at=values["now"] + timedelta(days=days) if days else None,
    )


def _usage_of(tenant: Tenant) -> dict[str, Any]:
    now = timezone.now()
    entitlements = selectors.entitlements_for(tenant=tenant, now=now)
    history = selectors.usage_by_day(
        tenant=tenant,
        feature=Feature.MESSAGES,
        until=now.astimezone(UTC).date(),
        days=_CHART_DAYS,
    )
    return {
        "usage": selectors.usage_of(tenant=tenant, entitlements=entitlements),
        "overrides": selectors.overrides_of(tenant),
        "chart": charts.chart_of([(day.day, day.used) for day in history]),
        "days": _CHART_DAYS,
    }
