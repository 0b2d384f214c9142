"""Count what a plan limits. A race for the last place is lost by row count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from accounts.models import Tenant
from orsta.core import errors
from orsta.core.outbox.services import emit
from subscriptions import selectors
from subscriptions.entitlements import Entitlements
from subscriptions.models import METERED, NO_PERIOD, Feature, QuotaUsage

_WARN_AT = (80, 100)  # percent of the limit

# One statement, one round trip: the row lock of the conflict makes callers take turns, and
# the condition is checked on what the one before left.
_RESERVE = """
WITH taken AS (
    INSERT INTO subscriptions_quotausage AS usage
        (tenant_id, feature, period_starts_at, used, warned)
    VALUES (%(tenant)s, %(feature)s, %(period)s, %(amount)s, 0)
    ON CONFLICT (tenant_id, feature, period_starts_at)
    DO UPDATE SET used = usage.used + excluded.used
    WHERE %(limit)s::bigint IS NULL OR usage.used + excluded.used <= %(limit)s::bigint
    RETURNING used, warned
), noted AS (
    INSERT INTO subscriptions_usageday AS noted (tenant_id, feature, day, used)
    SELECT %(tenant)s, %(feature)s, %(day)s,
           CASE WHEN %(metered)s THEN %(amount)s ELSE taken.used END
    FROM taken
    ON CONFLICT (tenant_id, feature, day)
    DO UPDATE SET used = CASE WHEN %(metered)s THEN noted.used + excluded.used
                              ELSE GREATEST(noted.used, excluded.used) END
)
SELECT used, warned FROM taken
"""

# Into the period that the amount was taken from, which may be over; never below zero. The day's
# update reads the count's and so runs after it: an update in a WITH that nobody reads runs
# last, and a reservation, which locks the count first, would meet this one in a deadlock.
_GIVE_BACK = """
WITH given AS (
    UPDATE subscriptions_quotausage SET used = GREATEST(used - %(amount)s, 0)
    WHERE id = (
        SELECT id FROM subscriptions_quotausage
        WHERE tenant_id = %(tenant)s AND feature = %(feature)s
          AND period_starts_at <= %(taken_at)s
        ORDER BY period_starts_at DESC LIMIT 1
    )
    RETURNING id
)
UPDATE subscriptions_usageday SET used = GREATEST(used - %(amount)s, 0)
FROM given
WHERE tenant_id = %(tenant)s AND feature = %(feature)s AND day = %(day)s
"""


class QuotaExceeded(errors.Denied):
    """The plan gives no more of a feature."""

    code = "quota_exceeded"


class SessionLimitReached(QuotaExceeded):
    """The plan allows no more sessions."""

    code = "session_limit_reached"


class MessageQuotaExceeded(QuotaExceeded):
    """The plan allows no more messages in this period."""

    code = "message_quota_exceeded"


_REFUSALS: dict[str, type[QuotaExceeded]] = {
    Feature.SESSIONS: SessionLimitReached,
    Feature.MESSAGES: MessageQuotaExceeded,
}


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a reservation left: the count after it, and the highest warning so far."""

    amount: int
    used: int
    warned: int


@transaction.atomic
def reserve(*, tenant: Tenant, feature: str, amount: int = 1, now: datetime) -> None:
    """Take `amount` of a feature, all or nothing, in the transaction that uses it up.

    :raises QuotaExceeded: there is not so much left, or no paid period runs.
    """
    entitlements = selectors.entitlements_for(tenant=tenant, now=now)
    limit = entitlements.limit(feature)
    period = _period(feature, entitlements)
    taken = _take(tenant, feature, amount, limit=limit, period=period, now=now)
    if taken is None:
        raise _refusal(tenant, feature, entitlements)
    if limit is not None:
        _warn(tenant, feature, taken, limit=limit, period=period)


@transaction.atomic
def give_back(
    *, tenant: Tenant, feature: str, amount: int = 1, taken_at: datetime | None = None
) -> None:
    """Return what was taken and not used; counts never go below zero.

    :param taken_at: when it was reserved, for a metered feature: only the period and the day
        that it counted in get it back. None for a gauge.
    """
    if taken_at is not None:
        _give_back_metered(tenant, feature, amount, taken_at=taken_at)
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE subscriptions_quotausage SET used = GREATEST(used - %s, 0) "
            "WHERE tenant_id = %s AND feature = %s AND period_starts_at = %s",
            [amount, tenant.pk, feature, NO_PERIOD],
        )


def rearm_warnings(*, tenants: Sequence[Tenant]) -> None:
    """Let the warnings come again: the limits are others now, or the count starts over."""
    QuotaUsage.objects.filter(tenant__in=tenants, warned__gt=0).update(warned=0)


def _period(feature: str, entitlements: Entitlements) -> datetime:
    return (entitlements.period_starts_at if feature in METERED else None) or NO_PERIOD


def _take(
    tenant: Tenant,
    feature: str,
    amount: int,
    *,
    limit: int | None,
    period: datetime,
    now: datetime,
) -> _Taken | None:
    if limit is not None and amount > limit:
        return None  # the first row of a period has no condition
    values: dict[str, Any] = {
        "tenant": tenant.pk,
        "feature": feature,
        "period": period,
        "amount": amount,
        "limit": limit,
        "metered": feature in METERED,
        "day": now.astimezone(UTC).date(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, values)
        row = cursor.fetchone()
    return _Taken(amount, *row) if row else None


def _give_back_metered(
    tenant: Tenant, feature: str, amount: int, *, taken_at: datetime
) -> None:
    values: dict[str, Any] = {
        "tenant": tenant.pk,
        "feature": feature,
        "amount": amount,
        "taken_at": taken_at,
        "day": taken_at.astimezone(UTC).date(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, values)


def _warn(tenant: Tenant, feature: str, taken: _Taken, *, limit: int, period: datetime) -> None:
    """Announce that 80 or 100 % is reached, each once per period.

    The count's row is locked by the reservation, so nobody else is here. A gauge, which goes
    up and down, warns whenever it passes the line upwards.
    """
    before = taken.warned if feature in METERED else _level(taken.used - taken.amount, limit)
    level = _level(taken.used, limit)
    if level <= before:
        return
    usage = QuotaUsage.objects.for_tenant(tenant).filter(feature=feature)
    usage.filter(period_starts_at=period).update(warned=level)
    emit(
        "quota.warning",
        tenant_id=tenant.pk,
        shard=f"tenant:{tenant.public_id}",
        feature=feature,
        level=level,
        used=taken.used,
        limit=limit,
    )


def _level(used: int, limit: int) -> int:
    return max((level for level in _WARN_AT if used * 100 >= limit * level), default=0)


def _refusal(tenant: Tenant, feature: str, entitlements: Entitlements) -> QuotaExceeded:
    limit = entitlements.limit(feature)
    used = selectors.used(tenant=tenant, feature=feature, entitlements=entitlements)
    resets_at = entitlements.period_ends_at if feature in METERED else None
    return _REFUSALS.get(feature, QuotaExceeded)(
        _sentence(feature, limit, entitlements),
        feature=feature,
        limit=limit,
        used=used,
        resets_at=resets_at.isoformat() if resets_at and entitlements.active else None,
    )


def _sentence(feature: str, limit: int | None, entitlements: Entitlements) -> str:
    if entitlements.is_suspended:
        return "The subscription is suspended. Please contact support."
    if not entitlements.active:
        return "There is no paid period running. Turn on the API key to start one."
    if feature == Feature.SESSIONS:
        return (
            f"The plan allows {limit} sessions; all are in use. "
            "Delete one or take a larger plan."
        )
    if feature in METERED:
        return f"The plan allows {limit:,} {feature.lower()} per period; too few are left."
    name = Feature(feature).label.lower()
    return f"The plan allows {limit:,} {name}. Remove one or take a larger plan."
