"""What a tenant takes with it and what goes with it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Tenant
from subscriptions import selectors
from subscriptions.models import (
    EntitlementOverride,
    QuotaUsage,
    Subscription,
    SubscriptionTransition,
    UsageDay,
)

_OWNED = (Subscription, EntitlementOverride, QuotaUsage, UsageDay)


@transaction.atomic
def purge(tenant: Tenant, now: datetime) -> bool:
    """Delete the tenant's subscription, limits and usage; payments keep their own facts."""
    for model in _OWNED:
        model.objects.for_tenant(tenant).delete()
    selectors.forget([tenant.pk])
    return True


def subscription_steps(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """Yield the history of the tenant's subscription for its archive, oldest first."""
    steps = SubscriptionTransition.objects.filter(subscription__tenant=tenant)
    columns = ("at", "old", "new", "plan__code", "ends_at", "reason")
    for row in steps.order_by("pk").values(*columns).iterator():
        yield dict(row)


def usage_days(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """Yield what was used per day for the tenant's archive, oldest first."""
    days = UsageDay.objects.for_tenant(tenant).order_by("day", "feature")
    yield from days.values("day", "feature", "used").iterator()
