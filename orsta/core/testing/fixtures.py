"""Fixtures of the whole suite; loaded by `pytest.ini`.

pytest imports this before Django is set up, so what needs Django is imported inside.
"""

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest


def _take_own_redis() -> None:
    """Give each process of the test run its own Redis database, as it has of PostgreSQL."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    url = os.environ.get("REDIS_URL", "")
    if worker and url:
        server, _, number = url.rpartition("/")
        os.environ["REDIS_URL"] = f"{server}/{int(number) + int(worker.removeprefix('gw')) + 1}"


_take_own_redis()


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


@pytest.fixture(autouse=True)
def _own_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test starts with nothing counted, and with Redis taken to be there."""
    from orsta.core import limits, redis_client

    monkeypatch.setattr(limits, "PREFIX", f"orsta:limit:{uuid.uuid4().hex}:")
    redis_client.circuit.close()


@pytest.fixture
def no_redis(settings: Any) -> Iterator[None]:
    """Point the process at a port where no Redis listens."""
    from orsta.core import redis_client

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.client.cache_clear()
    yield
    redis_client.client.cache_clear()


@pytest.fixture
def other_process() -> dict[str, str]:
    """Return the environment of a process that works on the test's own database and Redis."""
    from django.conf import settings
    from django.db import connection

    server = urlsplit(os.environ["DATABASE_URL"])
    own = server._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    return os.environ | {"DATABASE_URL": own, "REDIS_URL": settings.REDIS_URL}


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
        assert not any(worker.is_alive() for worker in workers), "a thread never came back"
        return results

    return run
