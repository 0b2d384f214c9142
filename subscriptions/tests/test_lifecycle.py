"""Periods start, extend, lapse and end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import make_tenant, make_user
from orsta.core.outbox.models import OutboxEvent
from subscriptions import selectors, tasks
from subscriptions.models import Subscription
from subscriptions.services import lifecycle
from subscriptions.states import SubscriptionStatus
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MONTH = timedelta(days=30)


def event_names() -> list[str]:
    return list(OutboxEvent.objects.order_by("pk").values_list("name", flat=True))


def test_a_first_period_starts_now():
    tenant = make_tenant()

    subscription = subscribe(tenant, make_plan(), now=NOW)

    assert subscription.status == SubscriptionStatus.ACTIVE
    assert (subscription.starts_at, subscription.ends_at) == (NOW, NOW + MONTH)
    event = OutboxEvent.objects.get(name="subscription.activated")
    assert event.shard == f"tenant:{tenant.public_id}"
    assert event.payload == {
        "subscription_id": subscription.public_id,
        "plan": "starter",
        "ends_at": (NOW + MONTH).isoformat(),
    }


def test_a_running_period_is_extended_from_its_end():
    tenant = make_tenant()
    subscribe(tenant, now=NOW)

    subscription = subscribe(tenant, now=NOW + timedelta(days=10))

    assert (subscription.starts_at, subscription.ends_at) == (NOW, NOW + 2 * MONTH)
    assert Subscription.objects.count() == 1


def test_an_extension_takes_on_the_new_plan_at_once():
    tenant = make_tenant()
    subscribe(tenant, now=NOW)
    large = make_plan("large", max_sessions=20, is_default=False)

    subscribe(tenant, large, now=NOW)

    entitlements = selectors.entitlements_for(tenant=tenant, now=NOW)
    assert (entitlements.plan_code, entitlements.max_sessions) == ("large", 20)


@pytest.mark.parametrize("seen_by_the_job", [True, False])
def test_after_a_lapse_a_new_period_starts_now(seen_by_the_job):
    tenant = make_tenant()
    subscribe(tenant, now=NOW)
    later = NOW + MONTH + timedelta(days=5)
    if seen_by_the_job:
        lifecycle.expire_due(now=later)

    subscription = subscribe(tenant, now=later)

    assert subscription.status == SubscriptionStatus.ACTIVE
    assert (subscription.starts_at, subscription.ends_at) == (later, later + MONTH)


def test_expiry_takes_only_periods_that_are_over():
    over, running = make_tenant(), make_tenant()
    subscribe(over, now=NOW - MONTH)
    subscribe(running, now=NOW - MONTH + timedelta(seconds=1))

    count = lifecycle.expire_due(now=NOW)

    assert count == 1
    statuses = dict(Subscription.objects.values_list("tenant__pk", "status"))
    assert statuses == {
        over.pk: SubscriptionStatus.EXPIRED,
        running.pk: SubscriptionStatus.ACTIVE,
    }
    event = OutboxEvent.objects.get(name="subscription.expired")
    assert event.tenant_id == over.pk


def test_a_second_expiry_finds_nothing():
    subscribe(make_tenant(), now=NOW - MONTH)
    lifecycle.expire_due(now=NOW)

    assert lifecycle.expire_due(now=NOW) == 0
    assert event_names().count("subscription.expired") == 1


def test_the_expiry_task_works_through_every_batch(monkeypatch):
    monkeypatch.setattr(lifecycle, "_BATCH", 2)
    for _ in range(5):
        subscribe(make_tenant(), now=NOW - 2 * MONTH)

    tasks.expire_subscriptions(unknown_keyword=True)

    assert Subscription.objects.filter(status=SubscriptionStatus.EXPIRED).count() == 5
    assert selectors.active_count() == 0


@pytest.mark.django_db(transaction=True)
def test_concurrent_expiry_jobs_announce_each_period_once(race):
    for _ in range(20):
        subscribe(make_tenant(), now=NOW - MONTH)

    counts = race(5, lambda: lifecycle.expire_due(now=NOW))

    assert sum(counts) == 20
    assert event_names().count("subscription.expired") == 20


@pytest.mark.django_db(transaction=True)
def test_concurrent_first_activations_add_up(race):
    tenant, plan = make_tenant(), make_plan()

    race(5, lambda: lifecycle.activate(tenant=tenant, plan=plan, now=NOW))

    assert Subscription.objects.get().ends_at == NOW + 5 * MONTH


def test_a_granted_period_leaves_its_reason_in_the_audit_log():
    tenant, staff = make_tenant(), make_user(is_staff=True)

    subscription = lifecycle.grant(
        tenant=tenant, plan=make_plan(), reason="Pilot customer", actor=staff, now=NOW
    )

    entry = AuditEntry.objects.get(action="subscription.granted")
    assert (entry.actor, entry.target) == (staff.public_id, subscription.public_id)
    assert entry.detail == {"plan": "starter", "reason": "Pilot customer"}


def test_staff_can_end_a_running_period():
    tenant, staff = make_tenant(), make_user(is_staff=True)
    subscription = subscribe(tenant, now=NOW - timedelta(days=1))

    lifecycle.expire(subscription=subscription, actor=staff, now=NOW)

    stored = Subscription.objects.get()
    assert (stored.status, stored.ends_at) == (SubscriptionStatus.EXPIRED, NOW)
    assert event_names() == ["subscription.activated", "subscription.expired"]


def test_a_period_that_is_over_can_not_be_ended_again():
    staff = make_user(is_staff=True)
    subscription = subscribe(make_tenant(), now=NOW - MONTH)
    before = Subscription.objects.values().get()

    with pytest.raises(lifecycle.NotRunning):
        lifecycle.expire(subscription=subscription, actor=staff, now=NOW)

    assert Subscription.objects.values().get() == before
    assert not AuditEntry.objects.filter(action="subscription.expired").exists()
