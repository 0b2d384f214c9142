"""A plan's sessions are counted, also by fifty at once."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.tests.factories import make_tenant
from subscriptions import selectors
from subscriptions.models import Quota, QuotaUsage
from subscriptions.services import quotas
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def make_subscriber(*, max_sessions: int = 3, used: int = 0):
    tenant = make_tenant()
    subscribe(tenant, make_plan(max_sessions=max_sessions), now=NOW)
    if used:
        QuotaUsage.objects.create(tenant=tenant, quota=Quota.SESSIONS, used=used)
    return tenant


def test_a_reserved_session_is_counted():
    tenant = make_subscriber()

    quotas.reserve_session(tenant=tenant, now=NOW)

    assert selectors.sessions_used(tenant=tenant) == 1


def test_the_plan_limits_sessions():
    tenant = make_subscriber(used=3)

    with pytest.raises(quotas.SessionLimitReached) as refusal:
        quotas.reserve_session(tenant=tenant, now=NOW)

    assert refusal.value.code == "session_limit_reached"
    assert refusal.value.details == {"limit": 3, "used": 3}
    assert "allows 3 sessions" in refusal.value.message
    assert selectors.sessions_used(tenant=tenant) == 3


def test_a_plan_that_shrank_below_the_usage_admits_nothing():
    tenant = make_subscriber(max_sessions=1, used=3)

    with pytest.raises(quotas.SessionLimitReached):
        quotas.reserve_session(tenant=tenant, now=NOW)

    assert selectors.sessions_used(tenant=tenant) == 3


@pytest.mark.parametrize("had_one", [True, False])
def test_without_a_running_period_the_refusal_says_what_to_do(had_one):
    tenant = make_tenant()
    if had_one:
        subscribe(tenant, now=NOW - timedelta(days=30))

    with pytest.raises(quotas.SessionLimitReached, match="Turn on the API key") as refusal:
        quotas.reserve_session(tenant=tenant, now=NOW)

    assert refusal.value.details == {"limit": 0, "used": 0}
    assert selectors.sessions_used(tenant=tenant) == 0


def test_a_released_session_makes_room():
    tenant = make_subscriber(used=3)

    quotas.release_session(tenant=tenant)
    quotas.reserve_session(tenant=tenant, now=NOW)

    assert selectors.sessions_used(tenant=tenant) == 3


@pytest.mark.parametrize("used", [0, 1])
def test_releasing_never_goes_below_zero(used):
    tenant = make_subscriber(used=used)

    for _ in range(3):
        quotas.release_session(tenant=tenant)

    assert selectors.sessions_used(tenant=tenant) == 0


def test_one_tenants_sessions_are_not_anothers():
    alice, bob = make_subscriber(used=3), make_subscriber()

    quotas.reserve_session(tenant=bob, now=NOW)

    assert selectors.sessions_used(tenant=alice) == 3
    assert selectors.sessions_used(tenant=bob) == 1


@pytest.mark.django_db(transaction=True)
def test_a_reservation_ends_with_the_transaction_that_it_was_for():
    tenant = make_subscriber()

    with transaction.atomic():
        quotas.reserve_session(tenant=tenant, now=NOW)
        transaction.set_rollback(True)

    assert selectors.sessions_used(tenant=tenant) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("used", [0, 2])
def test_fifty_at_once_get_exactly_the_three_that_are_left(race, used):
    tenant = make_subscriber(max_sessions=3 + used, used=used)

    results = race(50, lambda: quotas.reserve_session(tenant=tenant, now=NOW))

    refused = [one for one in results if isinstance(one, quotas.SessionLimitReached)]
    assert (results.count(None), len(refused)) == (3, 47)
    assert selectors.sessions_used(tenant=tenant) == 3 + used


@pytest.mark.django_db(transaction=True)
def test_fifty_releases_at_once_stop_at_zero(race):
    tenant = make_subscriber(used=3)

    results = race(50, lambda: quotas.release_session(tenant=tenant))

    assert results == [None] * 50
    assert selectors.sessions_used(tenant=tenant) == 0
