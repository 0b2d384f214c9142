"""Fixtures of the whole suite; loaded by `pytest.ini`.

pytest imports this before Django is set up, so what needs Django is imported inside.
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def drain_outbox() -> Callable[[], int]:
    """Run what the relay process would, until nothing is due; returns how many went out."""

    from django.utils import timezone

    from orsta.core.outbox import relay

    def drain() -> int:
        total = 0
        while done := relay.drain(now=timezone.now()):
            total += done
        return total

    return drain


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    """Nothing that one test cached reaches the next."""
    from channels.layers import channel_layers
    from django.core.cache import caches

    for name in caches:
        caches[name].clear()
    channel_layers.backends.clear()


@pytest.fixture
def race() -> Callable[[int, Callable[[], Any]], list[Any]]:
    """Run one function in many threads at once, each on a connection of its own.

    Returns what each returned or raised, in no order. Needs `django_db(transaction=True)`.
    """

    from django.db import connection

    def run(threads: int, function: Callable[[], Any]) -> list[Any]:
        gate = threading.Barrier(threads)
        results: list[Any] = []

        def one() -> None:
            try:
                gate.wait(timeout=30)
                results.append(function())
            except Exception as error:  # noqa: BLE001 (the test looks at what was raised)
                results.append(error)
            finally:
                connection.close()

        workers = [threading.Thread(target=one) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=60)
        return results

    return run
