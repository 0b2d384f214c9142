"""Many contracts at once become exactly what each would become alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, transaction
from django.utils import timezone

from accounts.models import AuditEntry, Tenant
from accounts.tests.factories import make_tenant
from orsta.core.outbox.models import OutboxEvent
from subscriptions.models import EntitlementOverride, Feature, Plan, QuotaUsage, Subscription
from subscriptions.models import SubscriptionTransition as Transition
from subscriptions.services import contracts, lifecycle, overrides, plans, quotas
from subscriptions.services.contracts import Contract
from subscriptions.states import SubscriptionStatus
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
S = SubscriptionStatus
DAY = timedelta(days=1)
NOW = timezone.now()
LATER = NOW + 2 * DAY  # when the second contract comes
END, RENEWED, SHORTENED, PAST = NOW + 30 * DAY, NOW + 60 * DAY, NOW + 9 * DAY, NOW + DAY
BY_STAFF = {"actor": "usr_staff", "reason": "Story", "now": NOW}


def contract(tenant: Tenant, **fields: Any) -> Contract:
    terms = {"expires_at": END, "max_sessions": 5, "max_messages": 100, "provider": "app"}
    return Contract(tenant=tenant, **terms | fields)


def set_many(*wanted: Contract, now: datetime = LATER) -> list[Subscription]:
    return contracts.set_many(contracts=wanted, actor="svc_app", now=now)


def nothing(tenant: Tenant) -> None:
    """The tenant has no subscription."""


def running(tenant: Tenant) -> None:
    set_many(contract(tenant), now=NOW)
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=85, now=NOW)


def in_grace(tenant: Tenant) -> None:
    set_many(contract(tenant, expires_at=PAST), now=NOW)


def expired(tenant: Tenant) -> None:
    set_many(contract(tenant, expires_at=NOW), now=NOW)


def suspended(tenant: Tenant) -> None:
    running(tenant)
    lifecycle.suspend(tenant=tenant, **BY_STAFF)


def cancelled(tenant: Tenant) -> None:
    running(tenant)
    lifecycle.cancel(tenant=tenant, at_end=False, **BY_STAFF)


def leaving(tenant: Tenant) -> None:
    running(tenant)
    lifecycle.cancel(tenant=tenant, at_end=True, **BY_STAFF)


def on_sale(tenant: Tenant) -> None:
    subscribe(tenant, make_plan(), now=NOW)


def helped_by_staff(tenant: Tenant) -> None:
    running(tenant)
    terms = {"feature": Feature.SESSIONS, "limit": 50, "expires_at": RENEWED}
    overrides.set_limit(tenant=tenant, **terms, **BY_STAFF)


@dataclass(frozen=True)
class Case:
    """What there was, what the contract says, and what becomes of it.

    :param told: the events that the contract causes, in their order.
    :param period_at: when the usage period starts.
    """

    had: Callable[[Tenant], None]
    says: dict[str, Any]
    told: list[str]
    status: SubscriptionStatus = S.ACTIVE
    ends_at: datetime = END
    period_at: datetime = NOW
    limits: dict[str, int | None] = field(
        default_factory=lambda: {Feature.MESSAGES: 100, Feature.SESSIONS: 5}
    )


def ends(when: datetime) -> dict[str, Any]:
    return {"expires_at": when}


EXTENDED = {"told": ["subscription.extended"], "ends_at": RENEWED, "period_at": LATER}
AGAIN = {"told": ["subscription.activated"], "ends_at": RENEWED, "period_at": LATER}
LIMITS = ["entitlements.changed"]
CASES = {
    "first": Case(nothing, {}, ["subscription.activated"], period_at=LATER),
    "first, over already": Case(
        nothing, ends(PAST), ["subscription.expired"], S.EXPIRED, PAST, LATER
    ),
    "later end": Case(running, ends(RENEWED), **EXTENDED),
    "earlier end": Case(
        running, ends(SHORTENED), ["subscription.shortened"], S.ACTIVE, SHORTENED
    ),
    "past end": Case(running, ends(PAST), ["subscription.expired"], S.EXPIRED, PAST),
    "equal": Case(running, {}, []),
    "other product": Case(running, {"provider": "other"}, ["subscription.shortened"]),
    "more sessions": Case(
        running,
        {"max_sessions": 9},
        LIMITS,
        limits={Feature.MESSAGES: 100, Feature.SESSIONS: 9},
    ),
    "unlimited": Case(
        running,
        {"max_messages": None},
        LIMITS,
        limits={Feature.MESSAGES: None, Feature.SESSIONS: 5},
    ),
    "later end and more": Case(
        running,
        ends(RENEWED) | {"max_messages": 200},
        [*LIMITS, "subscription.extended"],
        ends_at=RENEWED,
        period_at=LATER,
        limits={Feature.MESSAGES: 200, Feature.SESSIONS: 5},
    ),
    "grace, later end": Case(
        in_grace,
        ends(RENEWED),
        ["subscription.grace", "subscription.extended"],
        S.ACTIVE,
        RENEWED,
        LATER,
    ),
    "grace, equal": Case(
        in_grace,
        ends(PAST),
        ["subscription.grace", "subscription.expired"],
        S.EXPIRED,
        PAST,
    ),
    "expired, later end": Case(expired, ends(RENEWED), **AGAIN),
    "expired, equal": Case(expired, ends(NOW), [], S.EXPIRED, NOW),
    "suspended, later end": Case(suspended, ends(RENEWED), status=S.SUSPENDED, **EXTENDED),
    "suspended, past end": Case(
        suspended, ends(PAST), ["subscription.shortened"], S.SUSPENDED, PAST
    ),
    "suspended, equal": Case(suspended, {}, [], S.SUSPENDED),
    "cancelled, later end": Case(cancelled, ends(RENEWED), **AGAIN),
    "leaving, equal": Case(leaving, {}, ["subscription.shortened"]),
    "bought itself, later end": Case(
        on_sale,
        ends(RENEWED),
        [*LIMITS, "subscription.extended"],
        ends_at=RENEWED,
        period_at=LATER,
    ),
    "helped by staff, equal": Case(helped_by_staff, {}, LIMITS),
}


@pytest.fixture(autouse=True)
def _grace() -> None:
    """The hidden plan gives a grace, so that a subscription can be in it."""
    plans.partner_plan()
    Plan.objects.update(grace_days=7)


def rows(model: Any, tenant: Tenant, *without: str) -> list[dict[str, Any]]:
    """Return the tenant's rows but what differs between any two."""
    names = {"id", "tenant_id", "public_id", "created_at", "updated_at", *without}
    found = model.objects.filter(tenant_id=tenant.pk).order_by("pk").values()
    return [{name: row[name] for name in row.keys() - names} for row in found]


def traces(tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    """Return all that is known of a tenant's subscription."""
    history = Transition.objects.filter(subscription__tenant=tenant).order_by("pk")
    clock = {"event_id", "shard", "lane", "seq", "occurred_at", "due_at", "payload"}
    return {
        "subscription": rows(Subscription, tenant),
        "limits": rows(EntitlementOverride, tenant),
        "usage": rows(QuotaUsage, tenant),
        "history": list(
            history.values("old", "new", "plan", "ends_at", "actor", "reason", "at")
        ),
        "audit": rows(AuditEntry, tenant, "chain", "digest", "target"),
        "events": rows(OutboxEvent, tenant, *clock),
    }


@pytest.mark.parametrize("name", CASES)
def test_a_contract_makes_of_a_subscription_what_the_table_says(name):
    case, tenant = CASES[name], make_tenant()
    case.had(tenant)
    before = OutboxEvent.objects.count()

    subscription = set_many(contract(tenant, **case.says))[0]

    stored = Subscription.objects.get(tenant=tenant)
    for row in (subscription, stored):
        assert (row.status, row.ends_at) == (case.status, case.ends_at)
        assert (row.period_starts_at, row.plan.code) == (case.period_at, plans.PARTNER)
        assert (row.grace_ends_at, row.cancel_at_end) == (None, False)
    told = OutboxEvent.objects.order_by("pk").values_list("name", flat=True)
    assert list(told)[before:] == case.told
    own = EntitlementOverride.objects.filter(tenant=tenant, expires_at=None)
    assert dict(own.order_by("feature").values_list("feature", "limit")) == case.limits


def test_all_of_them_at_once_leave_the_traces_of_each_alone():
    alone, together = ({name: make_tenant() for name in CASES} for _ in range(2))
    for tenants in (alone, together):
        for name, case in CASES.items():
            case.had(tenants[name])

    for name, case in CASES.items():
        wanted = contract(alone[name], **case.says)
        contracts.set_contract(contract=wanted, actor="svc_app", now=LATER)
    set_many(*(contract(together[name], **case.says) for name, case in CASES.items()))

    for name in CASES:
        assert traces(together[name]) == traces(alone[name]), name


def test_the_subscriptions_come_back_in_the_order_of_the_contracts():
    tenants = [make_tenant() for _ in range(3)]
    set_many(contract(tenants[1]), now=NOW)

    found = set_many(*(contract(tenant) for tenant in reversed(tenants)))

    assert [row.tenant for row in found] == tenants[::-1]


def test_of_two_contracts_of_a_tenant_the_last_counts():
    tenant = make_tenant()
    running(tenant)

    set_many(contract(tenant, expires_at=RENEWED), contract(tenant, max_sessions=9))

    subscription = Subscription.objects.get(tenant=tenant)
    assert (subscription.ends_at, subscription.period_starts_at) == (END, NOW)
    assert Transition.objects.filter(subscription=subscription).count() == 1


def test_the_warnings_of_a_renewed_tenant_come_again():
    renewed, same = make_tenant(), make_tenant()
    for tenant in (renewed, same):
        running(tenant)

    set_many(contract(renewed, expires_at=RENEWED), contract(same))

    assert QuotaUsage.objects.get(tenant=renewed).warned == 0
    assert QuotaUsage.objects.get(tenant=same).warned == 80


@pytest.mark.parametrize("count", [1, 50])
def test_many_changes_cost_as_many_statements_as_one(count, django_assert_num_queries):
    tenants = [make_tenant() for _ in range(count)]
    set_many(*(contract(tenant) for tenant in tenants), now=NOW)
    wanted = [contract(tenant, expires_at=RENEWED, max_sessions=9) for tenant in tenants]

    # The savepoint's two; the plan; who has one, the locks, the rows, their limits; and writes:
    # limits, the warnings and events of them, the rows, the warnings again, three traces.
    with django_assert_num_queries(15):
        set_many(*wanted)

    assert Subscription.objects.filter(ends_at=RENEWED).count() == count


def test_one_that_the_database_refuses_leaves_all_as_they_were():
    tenants = [make_tenant(), make_tenant()]
    for tenant in tenants:
        running(tenant)
    before = [traces(tenant) for tenant in tenants]

    with pytest.raises(DataError), transaction.atomic():
        set_many(
            contract(tenants[0], expires_at=RENEWED), contract(tenants[1], max_sessions=2**63)
        )

    assert [traces(tenant) for tenant in tenants] == before
