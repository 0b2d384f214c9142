"""Time passes: the job writes what readers know already, once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import make_tenant
from orsta.core.outbox.models import OutboxEvent
from subscriptions import selectors, tasks
from subscriptions.models import Feature, QuotaUsage, Subscription
from subscriptions.services import lifecycle, quotas
from subscriptions.states import SubscriptionStatus
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
S = SubscriptionStatus
NOW = timezone.now()
DAY, MONTH = timedelta(days=1), timedelta(days=30)


def count_events(name: str) -> int:
    return OutboxEvent.objects.filter(name=name).count()


def test_expiry_takes_only_what_is_over():
    over, running = make_tenant(), make_tenant()
    subscribe(over, now=NOW - MONTH)
    subscribe(running, now=NOW - MONTH + timedelta(seconds=1))

    assert lifecycle.advance(now=NOW) == 1

    statuses = dict(Subscription.objects.values_list("tenant__pk", "status"))
    assert statuses == {over.pk: S.EXPIRED, running.pk: S.ACTIVE}
    assert OutboxEvent.objects.get(name="subscription.expired").tenant_id == over.pk


def test_a_second_run_finds_nothing():
    subscribe(make_tenant(), now=NOW - MONTH)
    lifecycle.advance(now=NOW)

    assert lifecycle.advance(now=NOW) == 0
    assert count_events("subscription.expired") == 1


def test_a_grace_comes_before_the_end():
    subscribe(make_tenant(), make_plan(grace_days=3), now=NOW - MONTH)

    lifecycle.advance(now=NOW + 2 * DAY)
    stored = Subscription.objects.get()
    assert (stored.status, stored.grace_ends_at) == (S.GRACE, NOW + 3 * DAY)
    lifecycle.advance(now=NOW + 3 * DAY)

    assert Subscription.objects.get().status == S.EXPIRED
    assert [count_events(f"subscription.{fact}") for fact in ("grace", "expired")] == [1, 1]


def test_a_job_that_comes_after_the_grace_writes_one_step():
    subscribe(make_tenant(), make_plan(grace_days=3), now=NOW - MONTH)

    lifecycle.advance(now=NOW + 3 * DAY)

    assert Subscription.objects.get().status == S.EXPIRED
    assert count_events("subscription.grace") == 0


def test_a_period_rolls_over_to_where_readers_see_it():
    tenant = make_tenant()
    for _ in range(5):
        subscribe(tenant, now=NOW)
    later = NOW + 3 * MONTH + DAY
    seen = selectors.entitlements_for(tenant=tenant, now=later)

    assert lifecycle.advance(now=later) == 1
    assert lifecycle.advance(now=later) == 0

    stored = Subscription.objects.get()
    assert stored.period_starts_at == seen.period_starts_at == NOW + 3 * MONTH
    assert stored.period_ends_at == seen.period_ends_at == NOW + 4 * MONTH
    assert selectors.entitlements_for(tenant=tenant, now=later) == seen


def test_what_is_used_before_the_job_comes_is_not_forgotten_by_it():
    tenant = make_tenant()
    subscribe(tenant, make_plan(MESSAGES=10), now=NOW)
    subscribe(tenant, make_plan(MESSAGES=10), now=NOW)
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=9, now=NOW)
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=6, now=NOW + MONTH)

    lifecycle.advance(now=NOW + MONTH)
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=4, now=NOW + MONTH)

    used = QuotaUsage.objects.order_by("period_starts_at").values_list("used", flat=True)
    assert list(used) == [9, 10]


def test_whoever_shows_a_subscription_can_bring_it_up_to_date():
    tenant = make_tenant()
    subscribe(tenant, now=NOW - MONTH)

    lifecycle.catch_up(tenant=tenant, now=NOW)
    lifecycle.catch_up(tenant=tenant, now=NOW)

    assert Subscription.objects.get().status == S.EXPIRED
    assert count_events("subscription.expired") == 1


def test_the_task_works_through_every_batch(monkeypatch):
    monkeypatch.setattr(lifecycle, "_BATCH", 2)
    for _ in range(5):
        subscribe(make_tenant(), now=NOW - 2 * MONTH)

    tasks.advance_subscriptions(unknown_keyword=True)

    assert Subscription.objects.filter(status=S.EXPIRED).count() == 5
    assert selectors.active_count() == 0


def test_a_batch_costs_the_same_number_of_queries_whatever_its_size(
    django_assert_num_queries,
):
    for _ in range(20):
        subscribe(make_tenant(), now=NOW - 2 * MONTH)

    with django_assert_num_queries(6):  # savepoints included
        lifecycle.advance(now=NOW)


@pytest.mark.django_db(transaction=True)
def test_concurrent_jobs_announce_each_end_once(race):
    for _ in range(20):
        subscribe(make_tenant(), now=NOW - MONTH)

    counts = race(5, lambda: lifecycle.advance(now=NOW))

    assert sum(counts) == 20
    assert count_events("subscription.expired") == 20


@pytest.mark.django_db(transaction=True)
def test_a_roll_over_among_senders_resets_the_count_exactly_once(race):
    tenant, plan = make_tenant(), make_plan(MESSAGES=30)
    subscribe(tenant, plan, now=NOW)
    subscribe(tenant, plan, now=NOW)
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=30, now=NOW)
    later = NOW + MONTH

    def send() -> None:
        lifecycle.catch_up(tenant=tenant, now=later)
        quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, now=later)

    results = race(40, send)

    assert results.count(None) == 30
    assert Subscription.objects.get().period_starts_at == later
    used = QuotaUsage.objects.order_by("period_starts_at").values_list("used", flat=True)
    assert list(used) == [30, 30]
