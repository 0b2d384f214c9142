"""Somebody who waits for a lock that the test holds."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection

_PATIENCE = 10  # seconds


def start_waiting(function: Callable[[], Any]) -> Future[Any]:
    """Call a function in a thread; return as soon as it waits for the caller's transaction.

    Ask the future for its result only when the transaction is over.
    """

    def call() -> Any:
        try:
            return function()
        finally:
            connection.close()

    pool = ThreadPoolExecutor(max_workers=1)
    future = pool.submit(call)
    pool.shutdown(wait=False)
    deadline = time.monotonic() + _PATIENCE
    while not _somebody_waits():
        assert not future.done(), "it did not have to wait"
        assert time.monotonic() < deadline, "it does something else than waiting"
        time.sleep(0.01)
    return future


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return bool(cursor.rowcount)
