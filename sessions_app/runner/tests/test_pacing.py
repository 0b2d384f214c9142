"""Waits: connections of a runner, attempts of a session, messages of a session."""

import time

import pytest

from sessions_app.engines.tests.live import live
from sessions_app.failures import Retry
from sessions_app.runner import tuning
from sessions_app.runner.pacing import Backoff, Bucket, Pacer
from sessions_app.runner.tuning import Tuning


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""

    class Clock:
        now = 1_000.0

        def monotonic(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(time, "monotonic", made.monotonic)
    return made


@live
async def test_connections_are_opened_one_after_the_other():
    pacer, began = Pacer(50), time.monotonic()

    for _ in range(11):
        await pacer.turn()

    assert time.monotonic() - began >= 10 * 0.8 / 50


def test_waits_grow_to_a_limit_and_begin_anew():
    backoff = Backoff(Tuning(first_wait=2.0, longest_wait=300.0))

    waits = [backoff.next(Retry.SOON) for _ in range(12)]
    backoff.forget()

    bounds = [min(2.0 * 2**step, 300.0) for step in range(12)]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert backoff.next(Retry.SOON) <= 2.0


def test_cool_downs_escalate_and_stay_at_an_hour():
    backoff = Backoff(Tuning())

    minutes = [backoff.next(Retry.COOL_DOWN) / 60 for _ in range(4)]

    assert [
        bound <= wait <= bound * 1.1
        for wait, bound in zip(minutes, (5, 15, 60, 60), strict=True)
    ] == [True] * 4


def test_a_burst_goes_at_once_and_the_next_message_waits(clock):
    bucket = Bucket((3, 3.0))

    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    assert 3 * 0.7 <= bucket.wait() <= 3 * 1.3

    clock.now += 3 * 1.3
    assert [bucket.take(), bucket.take()] == [True, False]


def test_a_bucket_fills_up_to_its_burst_and_not_further(clock):
    bucket = Bucket((3, 3.0))
    assert bucket.take()

    clock.now += 3_600

    assert bucket.available(10) == 3


def test_an_engine_without_a_rate_sends_as_fast_as_it_can():
    bucket = Bucket(None)

    assert bucket.available(200) == 200
    assert all(bucket.take() for _ in range(1_000))


def test_the_settings_say_how_fast_engines_send(settings):
    settings.ORSTA_SEND_RATES = {"neonize": "5/2.5"}

    assert tuning.from_settings().send_rates == {"neonize": (5, 2.5)}
