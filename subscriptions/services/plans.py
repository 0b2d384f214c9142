"""Plans that have to be there."""

from collections.abc import Mapping

from django.db import transaction

from subscriptions import selectors
from subscriptions.models import Feature, Plan, PlanEntitlement

PARTNER = "partner"

# What tenants of sibling services have beside what their contract says.
_PARTNER_LIMITS: dict[str, int | None] = {
    Feature.SESSIONS: 1,
    Feature.MESSAGES: None,
    Feature.CONTACTS: 100_000,
    Feature.WEBHOOK_ENDPOINTS: 10,
    Feature.AGENTS: 10,
    Feature.HISTORY_DAYS: 30,
}


@transaction.atomic
def offer(plan: Plan, limits: Mapping[str, int | None]) -> Plan:
    """Save a plan with its limits; what staff made of one that is there stays."""
    values = {
        field.name: getattr(plan, field.name)
        for field in Plan._meta.concrete_fields
        if not field.primary_key and field.editable
    }
    saved: Plan
    saved, created = Plan.objects.get_or_create(code=plan.code, defaults=values)
    if created:
        PlanEntitlement.objects.bulk_create(
            PlanEntitlement(plan=saved, feature=feature, limit=limit)
            for feature, limit in limits.items()
        )
        selectors.forget_all()
    return saved


def partner_plan() -> Plan:
    """Return the plan of tenants that sibling services sell to; it is never for sale."""
    found: Plan | None = Plan.objects.filter(code=PARTNER).first()
    return found or offer(
        Plan(code=PARTNER, name="Partner", price_minor=0, currency="USD", is_active=False),
        _PARTNER_LIMITS,
    )
