"""Requests that wait for something to happen, a few of them at once.

Each holds one of the process's threads (`orsta.asgi.THREADS`), so the others must not run out.
"""

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from django.conf import settings

RETRY_AFTER_SECONDS = 2  # what somebody is told who could not wait, or waited in vain
_POLL_SECONDS = 0.4

_Found = TypeVar("_Found")


def wait_for(look: Callable[[], _Found | None], *, seconds: float) -> _Found | None:
    """Look until there is something, at most for so long; None when there is nothing.

    Who finds no free place looks once. Call it outside a transaction, or nothing new is seen.
    """
    found = look()
    if found is not None or seconds <= 0 or not _places().acquire(blocking=False):
        return found
    try:
        return _look_again(look, until=time.monotonic() + seconds)
    finally:
        _places().release()


def _look_again(look: Callable[[], _Found | None], *, until: float) -> _Found | None:
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(_POLL_SECONDS, left))
        if (found := look()) is not None:
            return found
    return None


@cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.ORSTA_WAITERS)
