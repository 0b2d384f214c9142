"""Count what a plan limits. A race for the last place is lost by row count."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.models import Tenant
from accounts.tenancy import TenantQuerySet
from orsta.core import errors
from subscriptions import selectors
from subscriptions.entitlements import Entitlements
from subscriptions.models import Quota, QuotaUsage


class SessionLimitReached(errors.Denied):
    """The plan allows no more sessions."""

    code = "session_limit_reached"


@transaction.atomic
def reserve_session(*, tenant: Tenant, now: datetime) -> None:
    """Take one of the tenant's sessions; call it in the transaction that makes the session.

    :raises SessionLimitReached: all are taken, or no paid period runs.
    """
    entitlements = selectors.entitlements_for(tenant=tenant, now=now)
    usage = QuotaUsage(tenant=tenant, quota=Quota.SESSIONS)
    QuotaUsage.objects.bulk_create([usage], ignore_conflicts=True)
    room = _usage_of(tenant).filter(used__lt=entitlements.max_sessions)
    if room.update(used=F("used") + 1) != 1:
        raise _limit_reached(entitlements, used=selectors.sessions_used(tenant=tenant))


@transaction.atomic
def release_session(*, tenant: Tenant) -> None:
    """Give one session back; the count never goes below zero."""
    _usage_of(tenant).filter(used__gt=0).update(used=F("used") - 1)


def _usage_of(tenant: Tenant) -> TenantQuerySet:
    return QuotaUsage.objects.for_tenant(tenant).filter(quota=Quota.SESSIONS)


def _limit_reached(entitlements: Entitlements, *, used: int) -> SessionLimitReached:
    limit = entitlements.max_sessions
    advice = (
        f"The plan allows {limit} sessions; all are in use. Delete one or take a larger plan."
        if entitlements.active
        else "There is no paid period running. Turn on the API key to start one."
    )
    return SessionLimitReached(advice, limit=limit, used=used)
