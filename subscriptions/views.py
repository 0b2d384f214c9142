"""The console's page about the plan and how much of it is used."""

from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import permissions
from accounts.models import Tenant
from accounts.views import ConsoleRequest, page, show
from subscriptions import charts, selectors
from subscriptions.entitlements import Entitlements
from subscriptions.models import METERED, Feature
from subscriptions.selectors import FeatureUsage
from subscriptions.services import lifecycle
from subscriptions.states import SubscriptionStatus

RANGES = (7, 30, 90)  # days
_DEFAULT_RANGE = 30
_TONES = {
    SubscriptionStatus.TRIALING: "good",
    SubscriptionStatus.ACTIVE: "good",
    SubscriptionStatus.PAST_DUE: "warn",
    SubscriptionStatus.GRACE: "warn",
    SubscriptionStatus.SUSPENDED: "bad",
    SubscriptionStatus.EXPIRED: "bad",
    SubscriptionStatus.CANCELLED: "off",
}


@dataclass(frozen=True, slots=True)
class Meter:
    """A feature as a bar; `tone` says how close its limit is."""

    label: str
    usage: FeatureUsage
    tone: str
    note: str


@require_safe
@page
def usage(request: ConsoleRequest) -> HttpResponse:
    """Show the plan, what is taken of it, and the messages per day."""
    permissions.require(request.principal, "tenant:read")
    tenant, now = request.principal.tenant, timezone.now()
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, RANGES) else _DEFAULT_RANGE
    lifecycle.catch_up(tenant=tenant, now=now)
    entitlements = selectors.entitlements_for(tenant=tenant, now=now)
    history = selectors.usage_by_day(
        tenant=tenant,
        feature=Feature.MESSAGES,
        until=now.astimezone(UTC).date(),
        days=days,
    )
    context = _plan(tenant, entitlements) | {
        "active": "usage",
        "pays": request.principal.allows("billing:write"),
        "meters": [
            _meter(row)
            for row in selectors.usage_of(tenant=tenant, entitlements=entitlements)
            if row.limit != 0 or row.used
        ],
        "chart": charts.chart_of([(day.day, day.used) for day in history]),
        "days": days,
        "ranges": RANGES,
    }
    return show(request, "console/usage.html", context)


def _plan(tenant: Tenant, entitlements: Entitlements) -> dict[str, Any]:
    subscription = selectors.subscription_of(tenant)
    status = SubscriptionStatus(entitlements.status) if entitlements.status else None
    return {
        "entitlements": entitlements,
        "subscription": subscription,
        "status": status.label if status else "None",
        "tone": _TONES[status] if status else "off",
        "others": [
            (Feature(name).label, limit)
            for name, limit in entitlements.limits.items()
            if name not in selectors.COUNTED
        ],
    }


def _meter(usage: FeatureUsage) -> Meter:
    percent = usage.percent or 0
    tone = "bad" if percent >= 100 else "warn" if percent >= 80 else "good"
    full = "All taken. " if percent >= 100 else ""
    note = "Starts over with each period." if usage.feature in METERED else "Counted at once."
    return Meter(usage.feature.label, usage, tone, full + note)


urlpatterns = [path("usage", usage, name="console-usage")]
