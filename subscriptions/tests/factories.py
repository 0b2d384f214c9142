"""Builders of plans and subscriptions."""

from datetime import datetime

from django.utils import timezone

from accounts.models import Tenant
from accounts.tests.factories import make_tenant
from subscriptions.models import Feature, Plan, PlanEntitlement, Subscription
from subscriptions.services import lifecycle, quotas


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


def make_subscriber(*, now: datetime, used: int = 0, **limits: int | None) -> Tenant:
    """Return a tenant with a period from `now` on; `used` is of its messages if it has any."""
    tenant = make_tenant()
    subscribe(tenant, make_plan(**limits), now=now)
    if used:
        feature = Feature.MESSAGES if Feature.MESSAGES in limits else Feature.SESSIONS
        quotas.reserve(tenant=tenant, feature=feature, amount=used, now=now)
    return tenant
