"""The promise of the outbox: a relay that dies loses, reorders and renumbers nothing."""

import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orsta.core.outbox.models import OutboxEvent
from orsta.core.tests.factories import emit_steps, sequence_of

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS, TENANTS, SHARDS = 240, 2, 3


@pytest.fixture
def start_relay(
    tmp_path: Path, other_process: dict[str, str]
) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start relay processes on the test's own database; none outlives the test."""
    command = [sys.executable, "-m", "orsta.core.tests.slow_relay", tmp_path / "delivered"]
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, env=other_process, stderr=subprocess.DEVNULL)  # noqa: S603
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_a_relay_killed_in_the_middle_loses_nothing(start_relay, tmp_path):
    emit_steps(EVENTS, shards=SHARDS, tenants=TENANTS)
    log = tmp_path / "delivered"

    first = start_relay()
    wait_until(lambda: log.exists() and log.read_bytes().count(b"\n") >= 40)
    first.kill()
    first.wait()
    before_the_kill = log.read_bytes().count(b"\n")
    waiting = OutboxEvent.objects.filter(dispatched_at=None).count()
    second = start_relay()
    wait_until(lambda: not OutboxEvent.objects.filter(dispatched_at=None).exists())
    second.send_signal(signal.SIGTERM)

    assert second.wait(timeout=10) == 0
    assert 0 < waiting <= EVENTS
    lines = [line.split() for line in log.read_text().splitlines()]
    assert len({number for _, number, _, _ in lines}) == EVENTS
    assert len(lines) > EVENTS, "the batch that was cut short must come again"
    assert len(lines) <= EVENTS + before_the_kill
    first_arrivals: defaultdict[str, dict[int, None]] = defaultdict(dict)
    names: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for shard, number, seq, event_id in lines:
        first_arrivals[shard].setdefault(int(number))
        names[number].add((seq, event_id))
    assert all(list(steps) == sorted(steps) for steps in first_arrivals.values())
    assert all(len(same) == 1 for same in names.values()), "a repeat keeps its id and number"
    per_tenant = EVENTS // TENANTS
    assert [sequence_of(tenant) for tenant in (1, 2)] == [list(range(1, per_tenant + 1))] * 2


def test_two_relay_processes_share_the_work(start_relay, tmp_path):
    emit_steps(60, tenants=6)
    log = tmp_path / "delivered"

    start_relay()
    start_relay()
    wait_until(lambda: not OutboxEvent.objects.filter(dispatched_at=None).exists())

    numbers = [line.split()[1] for line in log.read_text().splitlines()]
    assert sorted(map(int, numbers)) == list(range(60))
