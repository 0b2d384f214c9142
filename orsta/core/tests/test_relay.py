import random
import threading
import time
from collections import defaultdict
from datetime import timedelta

import pytest
from django.utils import timezone

from orsta.core.outbox import registry, relay, services
from orsta.core.outbox.models import OutboxEvent, TenantStream
from orsta.core.tests.factories import emit_steps, sequence_of

pytestmark = pytest.mark.django_db
ONE_HOUR = 3600.0  # longer than any wait


def later(seconds: float = 0):
    return timezone.now() + timedelta(seconds=seconds)


def test_events_go_out_in_order_and_once(recorder):
    emit_steps(5)

    assert relay.drain(now=later()) == 5
    assert relay.drain(now=later()) == 0

    assert recorder.numbers == [0, 1, 2, 3, 4]
    assert not OutboxEvent.objects.filter(dispatched_at=None).exists()


def test_an_event_nobody_listens_to_is_done_too(recorder):
    emit_steps(1)
    OutboxEvent.objects.update(name="nobody.cares")

    assert relay.drain(now=later()) == 1


def test_a_batch_has_a_limit(recorder):
    emit_steps(5)

    assert relay.drain(now=later(), limit=2) == 2
    assert recorder.numbers == [0, 1]


def test_an_event_younger_than_the_relays_clock_holds_nothing_back(recorder):
    emit_steps(3)

    assert relay.drain(now=later(-60)) == 3


def test_every_tenant_has_its_own_sequence_without_gaps(recorder):
    emit_steps(7, tenants=2)

    relay.drain(now=later(), limit=2)
    emit_steps(3, tenants=2)
    while relay.drain(now=later(), limit=2):
        pass

    assert sequence_of(1) == [1, 2, 3, 4, 5, 6]
    assert sequence_of(2) == [1, 2, 3, 4]
    streams = dict(TenantStream.objects.values_list("tenant_id", "last_seq"))
    assert streams == {1: 6, 2: 4}


def test_an_event_of_no_tenant_has_no_number(recorder):
    emit_steps(1)
    OutboxEvent.objects.update(tenant_id=None)

    relay.drain(now=later())

    assert OutboxEvent.objects.get().seq is None


def test_a_failure_holds_back_its_shard_and_nothing_else(recorder):
    emit_steps(6, shards=2)
    recorder.failing = {2}

    assert relay.drain(now=later()) == 4
    assert recorder.seen == [("t0:s0", 0), ("t0:s1", 1), ("t0:s1", 3), ("t0:s1", 5)]
    assert relay.drain(now=later()) == 0

    recorder.failing = set()
    assert relay.drain(now=later(10)) == 2
    assert recorder.seen[-2:] == [("t0:s0", 2), ("t0:s0", 4)]


def test_a_failure_waits_longer_each_time_and_says_why(recorder):
    emit_steps(1)
    recorder.failing = {0}
    waits = []
    now = timezone.now()

    for _ in range(3):
        relay.drain(now=now)
        event = OutboxEvent.objects.get()
        waits.append(event.due_at - now)
        now = event.due_at

    assert waits == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert (event.attempts, event.last_error) == (3, "RuntimeError: boom")
    assert event.seq == 1


def test_poison_is_parked_after_its_attempts_and_lets_its_shard_go(recorder):
    emit_steps(2)
    recorder.failing = {0}

    for attempt in range(relay.MAX_ATTEMPTS):
        assert recorder.numbers == []
        relay.drain(now=later(attempt * ONE_HOUR))
    assert relay.drain(now=later()) == 1

    poison = OutboxEvent.objects.get(parked_at__isnull=False)
    assert (poison.payload["n"], poison.attempts) == (0, relay.MAX_ATTEMPTS)
    assert recorder.numbers == [1]


def test_a_replayed_event_goes_out_with_its_number(recorder):
    emit_steps(2)
    OutboxEvent.objects.filter(payload__n=0).update(
        parked_at=timezone.now(), attempts=12, seq=1
    )
    TenantStream.objects.create(tenant_id=1, last_seq=1)
    relay.drain(now=later())

    services.replay(event=OutboxEvent.objects.get(payload__n=0), now=timezone.now())
    relay.drain(now=later())

    assert recorder.numbers == [1, 0]
    assert sequence_of(1) == [1, 2]


def test_a_broker_that_is_away_delays_and_counts_no_attempt(recorder):
    emit_steps(3)
    recorder.failing, recorder.error = {1}, registry.TransportDown("no broker")

    with pytest.raises(registry.TransportDown):
        relay.drain(now=later())

    assert set(OutboxEvent.objects.values_list("attempts", flat=True)) == {0}
    recorder.failing = set()
    assert relay.drain(now=later()) == 2
    assert recorder.numbers == [0, 1, 2]


def test_a_batch_handler_gets_the_whole_batch(recorder):
    batches = []
    registry.subscribe_batches(lambda events: batches.append([e.payload["n"] for e in events]))
    emit_steps(4)

    relay.drain(now=later())

    assert batches == [[0, 1, 2, 3]]


def test_a_batch_handler_never_sees_what_a_subscriber_refused(recorder):
    batches = []
    registry.subscribe_batches(lambda events: batches.append([e.payload["n"] for e in events]))
    emit_steps(4, shards=2)
    recorder.failing = {0}

    relay.drain(now=later())

    assert batches == [[1, 3]]


def test_a_batch_handler_that_fails_on_one_event_holds_back_its_shard_only(recorder):
    handed: list[int] = []

    def fan_out(events):
        numbers = [event.payload["n"] for event in events]
        if 2 in numbers:
            raise RuntimeError
        handed.extend(numbers)

    registry.subscribe_batches(fan_out)
    emit_steps(6, shards=2)

    assert relay.drain(now=later()) == 4

    assert handed == [0, 1, 3, 5]
    waiting = OutboxEvent.objects.filter(dispatched_at=None).order_by("pk")
    assert [(event.payload["n"], event.attempts) for event in waiting] == [(2, 1), (4, 0)]


def test_a_batch_handler_without_its_broker_repeats_the_batch(recorder):
    answers = [registry.TransportDown("no broker"), None]

    def fan_out(events):
        if error := answers.pop(0):
            raise error

    registry.subscribe_batches(fan_out)
    emit_steps(2)

    with pytest.raises(registry.TransportDown):
        relay.drain(now=later())
    assert relay.drain(now=later()) == 2

    assert recorder.numbers == [0, 1, 0, 1]
    assert sequence_of(1) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_four_relays_at_once_deliver_all_in_order(listen, race):
    delivered: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    threads: set[int] = set()
    emit_steps(240, shards=2, tenants=5)

    @listen
    def handler(event):
        time.sleep(random.random() * 0.002)
        threads.add(threading.get_ident())
        delivered[event.shard].append((event.payload["n"], event.seq))

    def relay_process() -> None:
        while OutboxEvent.objects.filter(dispatched_at=None).exists():
            relay.drain(now=timezone.now(), limit=7)

    assert race(4, relay_process) == [None] * 4

    assert sum(map(len, delivered.values())) == 240
    assert all(steps == sorted(steps) for steps in delivered.values())
    assert [sequence_of(tenant) for tenant in range(1, 6)] == [list(range(1, 49))] * 5
    assert len(threads) > 1


@pytest.mark.django_db(transaction=True)
def test_a_lane_that_another_relay_owns_is_left_alone(recorder, race):
    emit_steps(1)
    lane = OutboxEvent.objects.get().lane

    with relay._owned(lane) as owned:
        assert owned
        assert race(1, lambda: relay.drain(now=later())) == [0]
    assert recorder.numbers == []

    assert race(1, lambda: relay.drain(now=later())) == [1]


def test_an_idle_relay_asks_one_question(recorder, django_assert_num_queries):
    with django_assert_num_queries(1):
        relay.drain(now=later())


def test_a_batch_costs_the_same_however_long(recorder, django_assert_max_num_queries):
    emit_steps(200)

    with django_assert_max_num_queries(11):
        assert relay.drain(now=later()) == 200
