"""Waits: before a connection, before another attempt, before another message."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

from sessions_app.failures import COOL_DOWN_MINUTES, Retry

if TYPE_CHECKING:
    from sessions_app.runner.tuning import Tuning


class Pacer:
    """Lets the sessions of a runner connect one after the other, not all at once."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for one's turn."""
        now = time.monotonic()
        at = max(now, self._next)
        self._next = at + self._interval * random.uniform(0.8, 1.2)  # noqa: S311 (jitter)
        await asyncio.sleep(at - now)


class Backoff:
    """Growing waits between attempts, jittered so that sessions do not come back as one."""

    def __init__(self, tuning: Tuning) -> None:
        self._first, self._longest = tuning.first_wait, tuning.longest_wait
        self.forget()

    def forget(self) -> None:
        """Begin anew: the connection stood."""
        self._delay = self._first
        self._step = 0

    def next(self, retry: Retry) -> float:
        """Return the seconds until the next attempt."""
        if retry == Retry.COOL_DOWN:
            minutes = COOL_DOWN_MINUTES[min(self._step, len(COOL_DOWN_MINUTES) - 1)]
            self._step += 1
            return minutes * 60 * random.uniform(1.0, 1.1)  # noqa: S311 (jitter)
        delay, self._delay = self._delay, min(self._delay * 2, self._longest)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)


class Bucket:
    """How many messages a session may send now: a burst, then one at a time.

    The wait for the next one is jittered: people do not write to a beat.
    """

    def __init__(self, rate: tuple[int, float] | None) -> None:
        self._burst, self._seconds = rate or (0, 0.0)
        self._tokens = self._burst
        self._next_at = 0.0

    @property
    def unlimited(self) -> bool:
        """Whether this engine sends as fast as it can."""
        return self._burst == 0

    def available(self, limit: int) -> int:
        """Return how many messages may go now, `limit` at most."""
        if self.unlimited:
            return limit
        now = time.monotonic()
        while self._tokens < self._burst and now >= self._next_at:
            self._tokens += 1
            self._next_at += self._pause()
        return min(self._tokens, limit)

    def take(self) -> bool:
        """Use up one message; False when there is none."""
        if self.unlimited:
            return True
        if self.available(1) == 0:
            return False
        if self._tokens == self._burst:
            self._next_at = time.monotonic() + self._pause()
        self._tokens -= 1
        return True

    def wait(self) -> float:
        """Return the seconds until there is one more, for an empty bucket."""
        return max(0.0, self._next_at - time.monotonic())

    def _pause(self) -> float:
        return self._seconds * random.uniform(0.7, 1.3)  # noqa: S311 (jitter)
