"""Builders of plans and subscriptions."""

from datetime import datetime

from django.utils import timezone

from accounts.models import Tenant
from subscriptions.models import Feature, Plan, PlanEntitlement, Subscription
from subscriptions.services import lifecycle


def make_plan(code: str = "starter", **fields: object) -> Plan:
    """Return the plan with this code; the default one unless told otherwise."""
    defaults = {
        "name": code.title(),
        "price_minor": 999,
        "currency": "USD",
        "period_days": 30,
        "is_default": True,
    }
    limits = {Feature.SESSIONS: 3} | {
        name: fields.pop(name) for name in list(fields) if name in Feature.values
    }
    plan, _ = Plan.objects.update_or_create(code=code, defaults=defaults | fields)
    for feature, limit in limits.items():
        PlanEntitlement.objects.update_or_create(
            plan=plan, feature=feature, defaults={"limit": limit}
        )
    return plan


def subscribe(
    tenant: Tenant, plan: Plan | None = None, *, now: datetime | None = None
) -> Subscription:
    """Start a period for the tenant, without money."""
    return lifecycle.activate(
        tenant=tenant, plan=plan or make_plan(), now=now or timezone.now()
    )
