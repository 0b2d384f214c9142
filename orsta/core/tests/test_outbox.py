from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from orsta.core import doorbell
from orsta.core.outbox import selectors, services, tasks
from orsta.core.outbox.models import OutboxEvent
from orsta.core.tests.factories import emit_steps

pytestmark = pytest.mark.django_db


def test_an_event_commits_with_its_cause_or_not_at_all():
    with transaction.atomic():
        services.emit("x.happened", tenant_id=1, shard="s", answer=42)
        transaction.set_rollback(True)
    assert not OutboxEvent.objects.exists()

    with transaction.atomic():
        services.emit("x.happened", tenant_id=1, shard="s", answer=42)

    event = OutboxEvent.objects.get()
    assert (event.name, event.tenant_id, event.shard) == ("x.happened", 1, "s")
    assert event.payload == {"answer": 42}
    assert (event.seq, event.attempts, event.dispatched_at) == (None, 0, None)
    assert event.event_id.startswith("evt_")


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_a_programming_error():
    with pytest.raises(RuntimeError):
        services.emit("x.happened", tenant_id=1, shard="s")

    assert not OutboxEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_committing_rings_the_relay_once(monkeypatch):
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", rung.append)

    emit_steps(10, tenants=3)

    assert rung == ["outbox"]


def test_many_events_are_one_statement(django_assert_num_queries):
    with django_assert_num_queries(3):  # savepoint, INSERT, release
        emit_steps(100)


def test_a_tenants_events_share_a_lane_and_events_of_no_tenant_a_shards():
    lane = services.lane_of(services.NewEvent("x", 7, "a"))

    assert services.lane_of(services.NewEvent("y", 7, "b")) == lane
    assert 0 <= lane < services.LANES
    assert services.lane_of(services.NewEvent("x", None, "a")) == services.lane_of(
        services.NewEvent("y", None, "a")
    )


def test_only_a_parked_event_is_replayed_and_only_once():
    emit_steps(1)
    event = OutboxEvent.objects.get()
    now = timezone.now()
    with pytest.raises(services.NotParked):
        services.replay(event=event, now=now)
    OutboxEvent.objects.update(parked_at=now, attempts=12, last_error="boom")

    services.replay(event=event, now=now)

    event.refresh_from_db()
    assert (event.parked_at, event.attempts, event.last_error) == (None, 0, "")
    with pytest.raises(services.NotParked):
        services.replay(event=event, now=now)


def test_the_backlog_counts_what_waits_and_what_was_parked():
    now = timezone.now()
    assert selectors.backlog(now=now) == selectors.Backlog(0, 0, timedelta(0))
    emit_steps(3)
    first, second, third = OutboxEvent.objects.order_by("pk")
    OutboxEvent.objects.filter(pk=first.pk).update(dispatched_at=now)
    OutboxEvent.objects.filter(pk=second.pk).update(parked_at=now)
    OutboxEvent.objects.filter(pk=third.pk).update(occurred_at=now - timedelta(seconds=90))

    assert selectors.backlog(now=now) == selectors.Backlog(1, 1, timedelta(seconds=90))


def test_a_client_gets_what_it_missed_in_order_and_nothing_of_others():
    emit_steps(6, tenants=2)
    for number, event in enumerate(OutboxEvent.objects.filter(tenant_id=1).order_by("-pk")):
        OutboxEvent.objects.filter(pk=event.pk).update(seq=number + 1)

    missed = selectors.events_after(tenant_id=1, seq=1, limit=10)

    assert [(event.seq, event.payload["n"]) for event in missed] == [(2, 2), (3, 0)]
    assert len(selectors.events_after(tenant_id=1, seq=0, limit=2)) == 2
    assert selectors.events_after(tenant_id=2, seq=0, limit=10) == []
    assert selectors.last_seq(tenant_id=1) == 0


def test_pruning_forgets_old_deliveries_and_keeps_what_needs_somebody():
    emit_steps(4)
    old = timezone.now() - tasks.KEEP - timedelta(minutes=1)
    dispatched, recent, parked, waiting = OutboxEvent.objects.order_by("pk")
    OutboxEvent.objects.filter(pk=dispatched.pk).update(dispatched_at=old)
    OutboxEvent.objects.filter(pk=recent.pk).update(dispatched_at=timezone.now())
    OutboxEvent.objects.filter(pk=parked.pk).update(parked_at=old)
    OutboxEvent.objects.filter(pk=waiting.pk).update(occurred_at=old)

    tasks.prune_outbox(unknown="keyword")

    left = OutboxEvent.objects.order_by("pk").values_list("pk", flat=True)
    assert list(left) == [recent.pk, parked.pk, waiting.pk]
