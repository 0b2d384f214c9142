"""What a tenant may do, asked at a moment."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.tests.factories import make_tenant
from subscriptions import selectors, terms_cache
from subscriptions.entitlements import NOTHING
from subscriptions.models import EntitlementOverride, Feature, Plan, PlanEntitlement
from subscriptions.services import lifecycle, overrides
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MONTH, TICK = timedelta(days=30), timedelta(microseconds=1)


def entitlements_of(tenant, now=NOW):
    return selectors.entitlements_for(tenant=tenant, now=now)


def override(tenant, limit, *, expires_at=None, feature=Feature.SESSIONS):
    return overrides.set_limit(
        tenant=tenant, feature=feature, limit=limit, expires_at=expires_at,
        reason="Pilot", actor="usr_staff", now=NOW,
    )  # fmt: skip


def test_without_a_subscription_nothing_is_allowed():
    entitlements = entitlements_of(make_tenant())

    assert entitlements == NOTHING
    assert entitlements.limit(Feature.SESSIONS) == 0
    assert entitlements.limit(Feature.MESSAGES) == 0


def test_a_running_period_allows_what_its_plan_says():
    tenant = make_tenant()
    subscribe(tenant, make_plan(MESSAGES=None, rate_class="PLUS"), now=NOW)

    entitlements = entitlements_of(tenant)

    assert (entitlements.plan_code, entitlements.active) == ("starter", True)
    assert entitlements.limit(Feature.SESSIONS) == 3
    assert entitlements.limit(Feature.MESSAGES) is None
    assert entitlements.limit(Feature.AGENTS) == 0
    assert entitlements.rate_class == "PLUS"
    assert (entitlements.period_starts_at, entitlements.ends_at) == (NOW, NOW + MONTH)


@pytest.mark.parametrize(("moment", "active"), [(MONTH - TICK, True), (MONTH, False)])
def test_a_period_ends_to_the_microsecond_without_waiting_for_the_job(moment, active):
    tenant = make_tenant()
    subscribe(tenant, now=NOW)

    entitlements = entitlements_of(tenant, NOW + moment)

    assert entitlements.active is active
    assert entitlements.limit(Feature.SESSIONS) == (3 if active else 0)


def test_in_grace_everything_goes_on_and_money_is_owed():
    tenant = make_tenant()
    subscribe(tenant, make_plan(grace_days=3), now=NOW)

    entitlements = entitlements_of(tenant, NOW + MONTH + timedelta(days=2))

    assert (entitlements.active, entitlements.owes) == (True, True)
    assert entitlements.stops_at == NOW + MONTH + timedelta(days=3)
    assert not entitlements_of(tenant, NOW + MONTH + timedelta(days=3)).active


def test_another_tenants_subscription_entitles_nobody_else():
    subscribe(make_tenant("Alice"), now=NOW)

    assert not entitlements_of(make_tenant("Bob")).active


def test_entitlements_cost_three_queries_and_then_none(django_assert_num_queries):
    tenant = make_tenant()
    subscribe(tenant, now=NOW)

    with django_assert_num_queries(3):
        entitlements_of(tenant)
    with django_assert_num_queries(0):
        entitlements_of(tenant, NOW + terms_cache.TTL - TICK)


def test_many_tenants_cost_three_queries_however_many(django_assert_num_queries):
    tenants = [make_tenant() for _ in range(5)]
    nobody, own, *_ = tenants
    for tenant in tenants[1:]:
        subscribe(tenant, make_plan(CONTACTS=10))
    EntitlementOverride.objects.create(
        tenant=own, feature=Feature.CONTACTS, limit=99, created_at=NOW
    )
    ids = [tenant.pk for tenant in tenants]

    with django_assert_num_queries(3):
        found = selectors.entitlements_of(tenant_ids=ids, now=timezone.now())
    with django_assert_num_queries(0):
        assert selectors.entitlements_of(tenant_ids=ids, now=timezone.now()).keys() == set(ids)

    assert found[nobody.pk] == NOTHING
    assert [found[pk].limit(Feature.CONTACTS) for pk in ids] == [0, 99, 10, 10, 10]


def test_what_many_may_do_is_what_each_may_do():
    tenants = [make_tenant() for _ in range(2)]
    now = timezone.now()
    subscribe(tenants[0], make_plan(MESSAGES=5), now=now)

    together = selectors.entitlements_of(tenant_ids=[one.pk for one in tenants], now=now)

    for tenant in tenants:
        alone = selectors.entitlements_for(tenant=tenant, now=now, fresh=True)
        assert together[tenant.pk] == alone


def test_a_change_by_another_process_is_seen_within_three_seconds():
    tenant = make_tenant()
    subscribe(tenant, now=NOW)
    entitlements_of(tenant)
    PlanEntitlement.objects.update(limit=9)

    assert entitlements_of(tenant, NOW + terms_cache.TTL - TICK).limit(Feature.SESSIONS) == 3
    assert entitlements_of(tenant, NOW + terms_cache.TTL).limit(Feature.SESSIONS) == 9
    assert timedelta(seconds=3) >= terms_cache.TTL


def test_a_change_here_is_seen_at_once():
    tenant = make_tenant()
    subscribe(tenant, now=NOW)
    entitlements_of(tenant)

    lifecycle.suspend(tenant=tenant, actor="usr_staff", reason="Abuse", now=NOW)

    assert not entitlements_of(tenant).active


def test_what_was_read_before_a_change_is_not_kept_after_it():
    cache = terms_cache.TermsCache()
    generation = cache.generation
    cache.forget(1)

    cache.keep(1, terms_cache.Known(None, NOW), generation=generation)

    assert cache.get(1, now=NOW) is None


def test_a_full_cache_drops_the_oldest(monkeypatch):
    monkeypatch.setattr(terms_cache, "CAPACITY", 2)
    cache = terms_cache.TermsCache()

    for tenant_id in (1, 2, 3):
        cache.keep(tenant_id, terms_cache.Known(None, NOW), generation=cache.generation)

    assert [cache.get(number, now=NOW) is None for number in (1, 2, 3)] == [True, False, False]


@pytest.mark.parametrize("limit", [7, 0, None])
def test_an_override_holds_instead_of_the_plans_limit(limit):
    tenant = make_tenant()
    subscribe(tenant, now=NOW)

    override(tenant, limit)

    assert entitlements_of(tenant).limit(Feature.SESSIONS) == limit


def test_an_override_is_over_to_the_microsecond():
    tenant = make_tenant()
    subscribe(tenant, now=NOW)
    end = NOW + timedelta(seconds=1)  # within what is cached
    override(tenant, 7, expires_at=end)

    assert entitlements_of(tenant, end - TICK).limit(Feature.SESSIONS) == 7
    assert entitlements_of(tenant, end).limit(Feature.SESSIONS) == 3


def test_an_override_gives_nothing_without_a_running_period():
    tenant = make_tenant()
    subscribe(tenant, now=NOW - MONTH)

    override(tenant, 7)

    assert entitlements_of(tenant).limit(Feature.SESSIONS) == 0


def test_an_override_that_is_over_already_is_refused():
    tenant = make_tenant()

    with pytest.raises(overrides.errors.Invalid):
        override(tenant, 7, expires_at=NOW)

    assert not EntitlementOverride.objects.exists()


def test_a_removed_override_leaves_the_plans_limit():
    tenant = make_tenant()
    subscribe(tenant, now=NOW)
    override(tenant, 7)

    overrides.remove_limit(
        tenant=tenant, feature=Feature.SESSIONS, reason="Over", actor="usr_staff", now=NOW
    )

    assert entitlements_of(tenant).limit(Feature.SESSIONS) == 3


def test_an_override_that_is_not_there_can_not_be_removed():
    with pytest.raises(overrides.NoOverride):
        overrides.remove_limit(
            tenant=make_tenant(), feature=Feature.AGENTS, reason="", actor="usr_staff", now=NOW
        )


def test_the_default_plan_is_the_one_marked_so():
    make_plan("other", is_default=False)
    starter = make_plan()

    assert selectors.default_plan() == starter


@pytest.mark.parametrize("change", [{"is_default": False}, {"is_active": False}])
def test_without_a_default_plan_for_sale_the_error_says_so(change):
    make_plan(**change)

    with pytest.raises(selectors.NoPlanForSale):
        selectors.default_plan()


@pytest.mark.parametrize(
    "fields",
    [{"currency": "usd"}, {"currency": "US"}, {"period_days": 0}, {"price_minor": 0}],
)
def test_the_database_refuses_a_senseless_plan(fields):
    with pytest.raises(IntegrityError):
        make_plan(**fields)


def test_what_is_never_sold_needs_no_price():
    make_plan("gift", price_minor=0, is_active=False, is_default=False)

    assert Plan.objects.get().price_minor == 0


def test_there_is_one_default_plan():
    make_plan()

    with pytest.raises(IntegrityError):
        make_plan("second")


def test_plans_in_use_are_protected():
    subscribe(make_tenant())

    with pytest.raises(IntegrityError):
        Plan.objects.all().delete()
