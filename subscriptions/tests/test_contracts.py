"""What a sibling service promised its tenant is kept to the letter."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import make_tenant
from orsta.core.outbox.models import OutboxEvent
from subscriptions import selectors
from subscriptions.models import EntitlementOverride, Feature, Plan, Subscription
from subscriptions.models import SubscriptionTransition as Transition
from subscriptions.services import contracts, lifecycle, plans, quotas
from subscriptions.services.contracts import Contract
from subscriptions.spans import LATEST
from subscriptions.states import SubscriptionStatus

pytestmark = pytest.mark.django_db
S = SubscriptionStatus
NOW = timezone.now()
DAY, YEAR = timedelta(days=1), timedelta(days=365)


def set_contract(tenant, *, now=NOW, **fields):
    contract = make_contract(tenant, **fields)
    return contracts.set_contract(contract=contract, actor="svc_app", now=now)


def make_contract(tenant, **fields) -> Contract:
    terms = {"expires_at": NOW + YEAR, "max_sessions": 5, "max_messages": 100}
    return Contract(tenant=tenant, provider="genfity-wa", **terms | fields)


def limits(tenant, now=NOW) -> tuple[int | None, int | None]:
    found = selectors.entitlements_for(tenant=tenant, now=now)
    return found.limit(Feature.SESSIONS), found.limit(Feature.MESSAGES)


def event_names() -> list[str]:
    return list(OutboxEvent.objects.order_by("pk").values_list("name", flat=True))


def test_a_first_contract_gives_what_it_says():
    tenant = make_tenant()

    subscription = set_contract(tenant)

    assert (subscription.status, subscription.provider) == (S.ACTIVE, "genfity-wa")
    assert (subscription.starts_at, subscription.ends_at) == (NOW, NOW + YEAR)
    assert limits(tenant) == (5, 100)
    assert event_names() == ["subscription.activated"]


def test_messages_can_be_unlimited():
    tenant = make_tenant()

    set_contract(tenant, max_messages=None)

    assert limits(tenant) == (5, None)


def test_the_plan_behind_it_is_hidden_and_made_once():
    set_contract(make_tenant())
    set_contract(make_tenant())

    plan = Plan.objects.get()
    assert (plan.code, plan.is_active, plan.is_default) == ("partner", False, False)
    assert plan == plans.partner_plan()


def test_the_same_contract_again_changes_nothing():
    tenant = make_tenant()
    set_contract(tenant)
    models = (Subscription, EntitlementOverride, Transition, OutboxEvent, AuditEntry)
    before = [list(model.objects.order_by("pk").values()) for model in models]

    set_contract(tenant, now=NOW + DAY)

    assert [list(model.objects.order_by("pk").values()) for model in models] == before


def test_a_later_end_is_a_renewal_and_the_messages_start_over():
    tenant = make_tenant()
    set_contract(tenant)
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=100, now=NOW)

    subscription = set_contract(tenant, expires_at=NOW + 2 * YEAR, now=NOW + DAY)

    assert (subscription.starts_at, subscription.ends_at) == (NOW, NOW + 2 * YEAR)
    assert subscription.period_starts_at == NOW + DAY
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=100, now=NOW + DAY)


def test_other_limits_alone_do_not_start_a_new_period():
    tenant = make_tenant()
    set_contract(tenant)
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=100, now=NOW)

    set_contract(tenant, max_messages=120, now=NOW + DAY)

    with pytest.raises(quotas.MessageQuotaExceeded):
        quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=21, now=NOW + DAY)
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=20, now=NOW + DAY)


def test_an_earlier_end_shortens_it():
    tenant = make_tenant()
    set_contract(tenant)

    subscription = set_contract(tenant, expires_at=NOW + DAY)

    assert (subscription.status, subscription.ends_at) == (S.ACTIVE, NOW + DAY)
    assert subscription.period_starts_at == NOW


@pytest.mark.parametrize("had_one", [True, False])
def test_a_past_end_ends_it_at_once(had_one):
    tenant = make_tenant()
    if had_one:
        set_contract(tenant)

    subscription = set_contract(tenant, expires_at=NOW - DAY)

    assert (subscription.status, subscription.ends_at) == (S.EXPIRED, NOW - DAY)
    assert limits(tenant) == (0, 0)
    assert "subscription.expired" in event_names()


def test_a_renewal_brings_back_what_had_ended():
    tenant = make_tenant()
    set_contract(tenant, expires_at=NOW - DAY)

    subscription = set_contract(tenant, expires_at=NOW + DAY)

    assert subscription.status == S.ACTIVE
    assert limits(tenant) == (5, 100)
    assert event_names()[-1] == "subscription.activated"


def test_what_our_staff_suspended_stays_suspended():
    tenant = make_tenant()
    set_contract(tenant)
    lifecycle.suspend(tenant=tenant, actor="usr_staff", reason="Abuse", now=NOW)

    subscription = set_contract(tenant, expires_at=NOW + 2 * YEAR)

    assert (subscription.status, subscription.ends_at) == (S.SUSPENDED, NOW + 2 * YEAR)
    assert limits(tenant) == (0, 0)


def test_a_contract_for_ever_has_no_end_beyond_the_calendar():
    tenant = make_tenant()
    set_contract(tenant, expires_at=LATEST)
    Plan.objects.update(grace_days=7)
    by_staff = {"actor": "usr_staff", "reason": "Story", "now": NOW}

    assert selectors.entitlements_for(tenant=tenant, now=NOW, fresh=True).stops_at == LATEST
    assert lifecycle.extend(tenant=tenant, days=3, **by_staff).ends_at == LATEST
    granted = lifecycle.activate(tenant=tenant, plan=plans.partner_plan(), **by_staff)
    assert granted.ends_at == LATEST


def test_who_set_it_is_in_the_audit_log():
    subscription = set_contract(make_tenant())

    entry = AuditEntry.objects.get(action="subscription.activated")
    assert (entry.actor, entry.target) == ("svc_app", subscription.public_id)


@pytest.mark.django_db(transaction=True)
def test_the_same_contract_from_many_sides_is_one_contract(race):
    tenant = make_tenant()
    plans.partner_plan()

    results = race(8, lambda: set_contract(tenant))

    assert not [result for result in results if isinstance(result, Exception)]
    assert Subscription.objects.get().ends_at == NOW + YEAR
    assert Transition.objects.count() == 1


def race_for(contracts_of_all, race):
    """Set the contracts from eight sides at once, every other one in the opposite order."""
    turns = iter([contracts_of_all, contracts_of_all[::-1]] * 4)

    def set_all():
        return contracts.set_many(contracts=next(turns), actor="svc_app", now=NOW + DAY)

    results = race(8, set_all)
    assert [result for result in results if isinstance(result, Exception)] == []


@pytest.mark.django_db(transaction=True)
def test_renewals_from_many_sides_are_one_renewal_each(race):
    tenants = [make_tenant() for _ in range(20)]
    for tenant in tenants:
        set_contract(tenant)

    race_for([make_contract(tenant, expires_at=NOW + 2 * YEAR) for tenant in tenants], race)

    assert Subscription.objects.filter(ends_at=NOW + 2 * YEAR).count() == 20
    assert OutboxEvent.objects.filter(name="subscription.extended").count() == 20
    assert Transition.objects.count() == 40


@pytest.mark.django_db(transaction=True)
def test_first_contracts_from_many_sides_are_one_each(race):
    tenants = [make_tenant() for _ in range(400)]
    plans.partner_plan()

    race_for([make_contract(tenant) for tenant in tenants], race)

    assert Subscription.objects.count() == 400
    assert OutboxEvent.objects.filter(name="subscription.activated").count() == 400
    assert Transition.objects.count() == 400
