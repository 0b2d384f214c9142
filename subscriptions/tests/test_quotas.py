"""What a plan limits is counted."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.tests.factories import make_tenant
from orsta.core.outbox.models import OutboxEvent
from subscriptions import selectors
from subscriptions.models import Feature, QuotaUsage
from subscriptions.services import lifecycle, overrides, quotas
from subscriptions.tests import factories
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MONTH = timedelta(days=30)
SESSIONS, MESSAGES = Feature.SESSIONS, Feature.MESSAGES
make_subscriber = partial(factories.make_subscriber, now=NOW)


def used(tenant, feature=SESSIONS, now=NOW) -> int:
    entitlements = selectors.entitlements_for(tenant=tenant, now=now)
    return selectors.used(tenant=tenant, feature=feature, entitlements=entitlements)


def warnings() -> list[tuple[str, int, int]]:
    events = OutboxEvent.objects.filter(name="quota.warning").order_by("pk")
    return [
        (event.payload["feature"], event.payload["level"], event.payload["used"])
        for event in events
    ]


def test_what_is_reserved_is_counted():
    tenant = make_subscriber()

    quotas.reserve(tenant=tenant, feature=SESSIONS, now=NOW)

    assert used(tenant) == selectors.sessions_used(tenant=tenant) == 1


def test_a_reservation_is_one_statement(django_assert_num_queries):
    tenant = make_subscriber(MESSAGES=1000)
    selectors.entitlements_for(tenant=tenant, now=NOW)

    with transaction.atomic(), django_assert_num_queries(3):  # a savepoint around it
        quotas.reserve(tenant=tenant, feature=MESSAGES, amount=5, now=NOW)


def test_g1_the_plan_limits_sessions():
    tenant = make_subscriber(used=3)

    with pytest.raises(quotas.SessionLimitReached) as refusal:
        quotas.reserve(tenant=tenant, feature=SESSIONS, now=NOW)

    assert refusal.value.code == "session_limit_reached"
    assert refusal.value.details == {
        "feature": "SESSIONS", "limit": 3, "used": 3, "resets_at": None,
    }  # fmt: skip
    assert "allows 3 sessions" in refusal.value.message
    assert used(tenant) == 3


def test_the_plan_limits_messages_until_the_period_is_over():
    tenant = make_subscriber(MESSAGES=10, used=8)

    with pytest.raises(quotas.MessageQuotaExceeded) as refusal:
        quotas.reserve(tenant=tenant, feature=MESSAGES, amount=3, now=NOW)

    assert refusal.value.code == "message_quota_exceeded"
    assert refusal.value.details == {
        "feature": "MESSAGES", "limit": 10, "used": 8, "resets_at": (NOW + MONTH).isoformat(),
    }  # fmt: skip
    assert used(tenant, MESSAGES) == 8


def test_other_features_have_a_code_in_common():
    tenant = make_subscriber(AGENTS=0)

    with pytest.raises(quotas.QuotaExceeded) as refusal:
        quotas.reserve(tenant=tenant, feature=Feature.AGENTS, now=NOW)

    assert refusal.value.code == "quota_exceeded"
    assert refusal.value.message.startswith("The plan allows 0 agents.")


def test_more_than_the_whole_limit_is_never_admitted_first():
    tenant = make_subscriber(MESSAGES=10)

    with pytest.raises(quotas.MessageQuotaExceeded):
        quotas.reserve(tenant=tenant, feature=MESSAGES, amount=11, now=NOW)

    assert not QuotaUsage.objects.exists()


def test_unlimited_is_counted_all_the_same():
    tenant = make_subscriber(MESSAGES=None, used=1_000_000)

    quotas.reserve(tenant=tenant, feature=MESSAGES, now=NOW)

    assert used(tenant, MESSAGES) == 1_000_001
    assert warnings() == []


def test_a_plan_that_shrank_below_the_usage_admits_nothing():
    tenant = make_subscriber(used=3)
    subscribe(tenant, make_plan("small", SESSIONS=1, is_default=False), now=NOW)

    with pytest.raises(quotas.SessionLimitReached):
        quotas.reserve(tenant=tenant, feature=SESSIONS, now=NOW)

    assert used(tenant) == 3


@pytest.mark.parametrize("had_one", [True, False])
def test_without_a_running_period_the_refusal_says_what_to_do(had_one):
    tenant = make_tenant()
    if had_one:
        subscribe(tenant, now=NOW - MONTH)

    with pytest.raises(quotas.SessionLimitReached) as refusal:
        quotas.reserve(tenant=tenant, feature=SESSIONS, now=NOW)

    assert "Turn on the API key" in refusal.value.message
    assert not QuotaUsage.objects.exists()


def test_a_suspended_subscription_admits_nothing_and_says_whom_to_ask():
    tenant = make_subscriber()
    lifecycle.suspend(tenant=tenant, actor="usr_staff", reason="Abuse", now=NOW)

    with pytest.raises(quotas.SessionLimitReached, match="contact support"):
        quotas.reserve(tenant=tenant, feature=SESSIONS, now=NOW)


def test_what_is_given_back_can_be_taken_again():
    tenant = make_subscriber(used=3)

    quotas.give_back(tenant=tenant, feature=SESSIONS, amount=1, taken_at=None)
    quotas.reserve(tenant=tenant, feature=SESSIONS, now=NOW)

    assert used(tenant) == 3


@pytest.mark.parametrize(("feature", "taken_at"), [(SESSIONS, None), (MESSAGES, NOW)])
def test_a_count_never_goes_below_zero(feature, taken_at):
    tenant = make_subscriber(MESSAGES=10)
    quotas.reserve(tenant=tenant, feature=feature, now=NOW)

    for _ in range(3):
        quotas.give_back(tenant=tenant, feature=feature, amount=1, taken_at=taken_at)

    assert used(tenant, feature) == 0


def test_each_tenant_has_its_own_count():
    alice, bob = make_subscriber(used=3), make_subscriber()

    quotas.reserve(tenant=bob, feature=SESSIONS, now=NOW)

    assert (used(alice), used(bob)) == (3, 1)


def test_what_rolls_back_is_not_counted():
    tenant = make_subscriber()

    with transaction.atomic():
        quotas.reserve(tenant=tenant, feature=SESSIONS, now=NOW)
        transaction.set_rollback(True)

    assert used(tenant) == 0


def test_g11_messages_are_counted_for_the_subscription_and_start_over_with_a_period():
    tenant = make_subscriber(MESSAGES=10, used=10)
    subscribe(tenant, now=NOW)  # paid for a second period
    next_period = NOW + MONTH

    quotas.reserve(tenant=tenant, feature=MESSAGES, amount=4, now=next_period)

    assert used(tenant, MESSAGES, next_period) == 4
    assert used(tenant, MESSAGES, NOW) == 10


def test_sessions_are_not_given_up_when_a_period_ends():
    tenant = make_subscriber(used=2)
    subscribe(tenant, now=NOW)

    assert used(tenant, SESSIONS, NOW + MONTH) == 2


def test_a_failed_send_of_the_last_period_does_not_make_room_in_this_one():
    tenant = make_subscriber(MESSAGES=10, used=10)
    subscribe(tenant, now=NOW)
    quotas.reserve(tenant=tenant, feature=MESSAGES, amount=5, now=NOW + MONTH)

    quotas.give_back(tenant=tenant, feature=MESSAGES, amount=1, taken_at=NOW)

    assert used(tenant, MESSAGES, NOW) == 9
    assert used(tenant, MESSAGES, NOW + MONTH) == 5


def test_warnings_come_at_80_and_at_100_percent_once_each():
    tenant = make_subscriber(MESSAGES=10)

    for _ in range(10):
        quotas.reserve(tenant=tenant, feature=MESSAGES, now=NOW)
    quotas.give_back(tenant=tenant, feature=MESSAGES, amount=5, taken_at=NOW)
    quotas.reserve(tenant=tenant, feature=MESSAGES, amount=5, now=NOW)

    assert warnings() == [("MESSAGES", 80, 8), ("MESSAGES", 100, 10)]


def test_one_big_step_warns_of_the_higher_line_only():
    make_subscriber(MESSAGES=10, used=10)

    assert warnings() == [("MESSAGES", 100, 10)]


def test_a_new_period_warns_again():
    tenant = make_subscriber(MESSAGES=10, used=10)
    subscribe(tenant, now=NOW)

    quotas.reserve(tenant=tenant, feature=MESSAGES, amount=8, now=NOW + MONTH)

    assert warnings() == [("MESSAGES", 100, 10), ("MESSAGES", 80, 8)]


def test_more_time_on_the_same_plan_warns_no_second_time():
    tenant = make_subscriber(MESSAGES=10, used=8)
    subscribe(tenant, now=NOW)
    lifecycle.extend(tenant=tenant, days=3, actor="usr_staff", reason="Agreed", now=NOW)

    quotas.reserve(tenant=tenant, feature=MESSAGES, now=NOW)

    assert warnings() == [("MESSAGES", 80, 8)]


def test_a_higher_limit_warns_again():
    tenant = make_subscriber(MESSAGES=10, used=10)
    overrides.set_limit(
        tenant=tenant, feature=MESSAGES, limit=20, expires_at=None,
        reason="Pilot", actor="usr_staff", now=NOW,
    )  # fmt: skip

    quotas.reserve(tenant=tenant, feature=MESSAGES, amount=6, now=NOW)

    assert warnings() == [("MESSAGES", 100, 10), ("MESSAGES", 80, 16)]


def test_a_gauge_warns_whenever_it_passes_the_line_upwards():
    tenant = make_subscriber(used=2)

    quotas.reserve(tenant=tenant, feature=SESSIONS, now=NOW)
    quotas.give_back(tenant=tenant, feature=SESSIONS, amount=1, taken_at=None)
    quotas.reserve(tenant=tenant, feature=SESSIONS, now=NOW)

    assert warnings() == [("SESSIONS", 100, 3), ("SESSIONS", 100, 3)]
