import logging
import threading
import time

import pytest
from django.db import transaction

from orsta.core import doorbell, redis_client


@pytest.fixture
def bell():
    """A bell that already listens."""
    made = doorbell.Bell("test")
    made.wait(timeout=0.05)
    yield made
    made.close()


def seconds_waited(bell: doorbell.Bell, timeout: float) -> float:
    started = time.monotonic()
    bell.wait(timeout=timeout)
    return time.monotonic() - started


def test_a_ring_wakes_the_one_who_waits(bell):
    threading.Timer(0.1, doorbell.ring, ["test"]).start()

    assert seconds_waited(bell, 10) < 5


def test_a_ring_between_two_waits_is_not_lost(bell):
    doorbell.ring("test")

    assert seconds_waited(bell, 10) < 5


def test_several_rings_count_as_one(bell):
    for _ in range(5):
        doorbell.ring("test")
    time.sleep(0.1)
    bell.wait(timeout=5)

    assert seconds_waited(bell, 0.2) >= 0.15


def test_another_bell_does_not_wake(bell):
    doorbell.ring("other")

    assert seconds_waited(bell, 0.2) >= 0.15


@pytest.mark.django_db(transaction=True)
def test_a_transaction_rings_once_and_only_when_it_commits(monkeypatch):
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", rung.append)

    with transaction.atomic():
        doorbell.ring_on_commit("a")
        doorbell.ring_on_commit("a")
        doorbell.ring_on_commit("b")
        assert rung == []
    with transaction.atomic():
        doorbell.ring_on_commit("c")
        transaction.set_rollback(True)

    assert rung == ["a", "b"]


@pytest.mark.django_db(transaction=True)
def test_a_ring_of_a_rolled_back_savepoint_does_not_swallow_a_later_one(monkeypatch):
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", rung.append)

    with transaction.atomic():
        with transaction.atomic():
            doorbell.ring_on_commit("a")
            transaction.set_rollback(True)
        doorbell.ring_on_commit("a")

    assert rung == ["a"]


def test_without_redis_ringing_is_a_warning_and_waiting_a_pause(no_redis, caplog):
    caplog.set_level(logging.WARNING)

    doorbell.ring("test")

    assert [record.message for record in caplog.records] == ["Doorbell unreachable"]
    assert 0.15 <= seconds_waited(doorbell.Bell("test"), 0.2) < 2


def test_a_redis_that_did_not_answer_is_left_alone_for_a_moment(no_redis, caplog):
    caplog.set_level(logging.WARNING)

    for _ in range(5):
        doorbell.ring("test")
    assert len(caplog.records) == 1

    redis_client.circuit.close()
    doorbell.ring("test")
    assert len(caplog.records) == 2


def test_a_bell_recovers_when_its_connection_is_cut(bell):
    bell._subscription.connection.disconnect()

    bell.wait(timeout=0.05)
    threading.Timer(0.1, doorbell.ring, ["test"]).start()

    assert seconds_waited(bell, 10) < 5
