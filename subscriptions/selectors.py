"""What is known of plans, periods and usage."""

from datetime import datetime

from accounts.models import Tenant
from orsta.core import errors
from subscriptions.entitlements import NOTHING, Entitlements
from subscriptions.models import Plan, Quota, QuotaUsage, Subscription
from subscriptions.states import SubscriptionStatus


class NoPlanForSale(errors.Unavailable):
    """Staff marked no plan as the default one."""

    code = "no_plan_for_sale"


def entitlements_for(*, tenant: Tenant, now: datetime) -> Entitlements:
    """Return what the tenant may do at `now`, in one query.

    A period that is over counts as over, whether or not the expiry job has seen it.
    """
    found = Subscription.objects.for_tenant(tenant).select_related("plan").first()
    if found is None:
        return NOTHING
    active = found.status == SubscriptionStatus.ACTIVE and found.ends_at > now
    return Entitlements(
        plan_code=found.plan.code,
        active=active,
        max_sessions=found.plan.max_sessions if active else 0,
        ends_at=found.ends_at,
    )


def default_plan() -> Plan:
    """Return the plan that turning on the API key buys.

    :raises NoPlanForSale: there is none.
    """
    plan: Plan | None = Plan.objects.filter(is_default=True, is_active=True).first()
    if plan is None:
        raise NoPlanForSale("No plan is for sale at the moment. Please contact support.")
    return plan


def sessions_used(*, tenant: Tenant) -> int:
    """Return how many of its sessions the tenant uses."""
    usage = QuotaUsage.objects.for_tenant(tenant).filter(quota=Quota.SESSIONS)
    return usage.values_list("used", flat=True).first() or 0


def active_count() -> int:
    """Return how many tenants have a running subscription."""
    return Subscription.objects.filter(status=SubscriptionStatus.ACTIVE).count()
