"""What is known of plans, periods and usage."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from accounts.models import Tenant
from orsta.core import errors
from subscriptions.entitlements import NOTHING, Entitlements, Override, Terms
from subscriptions.models import (
    METERED,
    NO_PERIOD,
    EntitlementOverride,
    Feature,
    Plan,
    PlanEntitlement,
    QuotaUsage,
    Subscription,
    UsageDay,
)
from subscriptions.states import PAID_FOR, RUNNING, SubscriptionStatus
from subscriptions.terms_cache import Known, TermsCache

_cache = TermsCache()
# What is reserved and given back; the other features are limits that nobody counts here.
COUNTED = frozenset(
    {
        Feature.SESSIONS,
        Feature.MESSAGES,
        Feature.WEBHOOK_ENDPOINTS,
        Feature.AGENTS,
    }
)


@dataclass(frozen=True, slots=True)
class FeatureUsage:
    """How much of a feature is taken.

    :param limit: None is unlimited.
    :param resets_at: when the count starts over, None for what is counted at once.
    """

    feature: Feature
    used: int
    limit: int | None
    resets_at: datetime | None

    @property
    def percent(self) -> int | None:
        """How much of the limit is taken, at most 100; None without a limit."""
        if self.limit is None:
            return None
        return min(100, self.used * 100 // self.limit) if self.limit else 100


@dataclass(frozen=True, slots=True)
class Day:
    """How much of a feature was used on a day: the sum, or the peak of what is at once."""

    day: date
    used: int


class NoPlanForSale(errors.Unavailable):
    """Staff marked no plan as the default one."""

    code = "no_plan_for_sale"


def entitlements_for(*, tenant: Tenant, now: datetime, fresh: bool = False) -> Entitlements:
    """Return what the tenant may do at `now`: three queries, none if asked a moment ago.

    Time is never cached: a period or an override that is over counts as over.

    :param fresh: read the rows all the same; money depends on the answer.
    """
    known = None if fresh else _cache.get(tenant.pk, now=now)
    if known is None:
        generation = _cache.generation
        known = Known(_terms_of([tenant.pk]).get(tenant.pk), now)
        _cache.keep(tenant.pk, known, generation=generation)
    return known.terms.at(now) if known.terms else NOTHING


def entitlements_of(*, tenant_ids: Iterable[int], now: datetime) -> dict[int, Entitlements]:
    """Return what many tenants may do, by primary key: three queries, however many they are.

    Those that were asked about a moment ago cost nothing.
    """
    wanted = set(tenant_ids)
    known = {pk: kept for pk in wanted if (kept := _cache.get(pk, now=now)) is not None}
    if unknown := wanted.difference(known):
        generation = _cache.generation
        terms = _terms_of(unknown)
        for pk in unknown:
            known[pk] = Known(terms.get(pk), now)
            _cache.keep(pk, known[pk], generation=generation)
    return {pk: kept.terms.at(now) if kept.terms else NOTHING for pk, kept in known.items()}


def rate_class_of(tenant: Tenant) -> str:
    """Return how many requests the tenant's programs may make right now: a `RateClass`."""
    return entitlements_for(tenant=tenant, now=timezone.now()).rate_class


def forget(tenant_ids: Iterable[int]) -> None:
    """Stop remembering what these tenants may do, now and when the transaction commits.

    Twice, because another thread may read the old rows in between.
    """
    ids = list(tenant_ids)

    def drop() -> None:
        for tenant_id in ids:
            _cache.forget(tenant_id)

    drop()
    transaction.on_commit(drop, robust=True)


def forget_all() -> None:
    """Stop remembering what anybody may do: a plan has changed."""
    _cache.forget()
    transaction.on_commit(_cache.forget, robust=True)


def subscription_of(tenant: Tenant) -> Subscription | None:
    """Return the tenant's subscription, with its plan."""
    rows = Subscription.objects.for_tenant(tenant).select_related("plan")
    found: Subscription | None = rows.first()
    return found


def subscriptions_of(tenant_ids: Collection[int]) -> dict[int, tuple[Subscription, Terms]]:
    """Return what many tenants subscribe to, by primary key: three queries, or one for none."""
    limits = Prefetch("plan__entitlements", PlanEntitlement.objects.order_by("pk"))
    rows = Subscription.objects.filter(tenant__in=tenant_ids).select_related("plan")
    if not (found := list(rows.prefetch_related(limits))):
        return {}
    overrides: defaultdict[int, list[Override]] = defaultdict(list)
    own = EntitlementOverride.objects.filter(tenant__in=tenant_ids)
    for tenant_id, *values in own.values_list("tenant_id", "feature", "limit", "expires_at"):
        overrides[tenant_id].append(Override(*values))
    return {row.tenant_id: (row, _terms(row, overrides[row.tenant_id])) for row in found}


def subscriptions_due(*, now: datetime) -> QuerySet[Subscription]:
    """Return subscriptions that time has passed by: spans, graces and periods that are over."""
    due = (
        Q(status__in=PAID_FOR, ends_at__lte=now)
        | Q(status=SubscriptionStatus.GRACE, grace_ends_at__lte=now)
        | Q(status__in=RUNNING, period_ends_at__lte=now)
    )
    rows: QuerySet[Subscription] = Subscription.objects.filter(due)
    return rows.select_related("plan", "tenant").order_by("pk")


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
    usage = QuotaUsage.objects.for_tenant(tenant).filter(feature=Feature.SESSIONS)
    return usage.values_list("used", flat=True).first() or 0


def used(*, tenant: Tenant, feature: str, entitlements: Entitlements) -> int:
    """Return how much of a feature is taken: in the present period, or at once."""
    period = (entitlements.period_starts_at if feature in METERED else None) or NO_PERIOD
    usage = QuotaUsage.objects.for_tenant(tenant).filter(feature=feature)
    return usage.filter(period_starts_at=period).values_list("used", flat=True).first() or 0


def usage_of(*, tenant: Tenant, entitlements: Entitlements) -> list[FeatureUsage]:
    """Return how much of each counted feature is taken, in one query; unused ones at zero."""
    period = entitlements.period_starts_at or NO_PERIOD
    rows = QuotaUsage.objects.for_tenant(tenant).filter(
        period_starts_at__in={period, NO_PERIOD}
    )
    taken = {
        row.feature: row.used
        for row in rows
        if row.period_starts_at == (period if row.feature in METERED else NO_PERIOD)
    }
    return [
        FeatureUsage(
            feature=feature,
            used=taken.get(feature, 0),
            limit=entitlements.limit(feature),
            resets_at=entitlements.period_ends_at if feature in METERED else None,
        )
        for feature in Feature
        if feature in COUNTED
    ]


def usage_by_day(*, tenant: Tenant, feature: str, until: date, days: int) -> list[Day]:
    """Return the usage of the `days` up to `until`, UTC, oldest first, none left out."""
    return usages_by_day(tenant=tenant, features=[feature], until=until, days=days)[feature]


def usages_by_day(
    *, tenant: Tenant, features: Collection[str], until: date, days: int
) -> dict[str, list[Day]]:
    """Return the same of several features, by feature, in one query."""
    first = until - timedelta(days=days - 1)
    rows = UsageDay.objects.for_tenant(tenant).filter(
        feature__in=features, day__gte=first, day__lte=until
    )
    used = {(row.feature, row.day): row.used for row in rows}
    dates = [first + timedelta(days=n) for n in range(days)]
    return {
        feature: [Day(day, used.get((feature, day), 0)) for day in dates]
        for feature in features
    }


def overrides_of(tenant: Tenant) -> QuerySet[EntitlementOverride]:
    """Return the tenant's own limits, those that are over too."""
    rows: QuerySet[EntitlementOverride] = EntitlementOverride.objects.for_tenant(tenant)
    return rows.order_by("feature")


def plans_for_sale() -> QuerySet[Plan]:
    """Return what can be bought, cheapest first, with its limits."""
    limits = Prefetch("entitlements", PlanEntitlement.objects.order_by("pk"))
    return (
        Plan.objects.filter(is_active=True)
        .prefetch_related(limits)
        .order_by("price_minor", "pk")
    )


def limit_of(plan: Plan, feature: str) -> int | None:
    """Return what a plan gives of a feature: None without a limit, 0 if not included."""
    limits = plan.entitlements.filter(feature=feature).values_list("limit", flat=True)
    return limits[0] if limits else 0


def active_count() -> int:
    """Return how many tenants have a running subscription."""
    return Subscription.objects.filter(status__in=RUNNING).count()


def _terms_of(tenant_ids: Collection[int]) -> dict[int, Terms]:
    return {pk: terms for pk, (_, terms) in subscriptions_of(tenant_ids).items()}


def _terms(found: Subscription, overrides: Iterable[Override]) -> Terms:
    return Terms(
        plan_code=found.plan.code,
        rate_class=found.plan.rate_class,
        limits={row.feature: row.limit for row in found.plan.entitlements.all()},
        overrides=tuple(overrides),
        span=found.span,
        engine=found.plan.engine,
    )
