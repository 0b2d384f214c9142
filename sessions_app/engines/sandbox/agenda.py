"""What one connection is going to do, and the one task that does it, a step at a time."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count

from sessions_app.engines.base import EngineError

Step = Callable[[], Awaitable[None]]

RETRY_SECONDS = 1.0  # after a step could not reach the database


@dataclass(order=True, slots=True)
class _Entry:
    due: float
    number: int
    step: Step = field(compare=False)
    planned: bool = field(compare=False)
    done: asyncio.Future[None] | None = field(default=None, compare=False)

    def settle(self, error: EngineError | None = None) -> None:
        """Tell whoever waits how it went."""
        if self.done is None or self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Agenda:
    """Steps in the order in which they are due; `speed` divides every wait.

    Planned steps are what the simulation is up to, and can be dropped; immediate steps are
    promised to somebody. A step that raises `EngineError` is repeated a little later, unless
    somebody waits for it: then it is theirs to repeat.
    """

    def __init__(self, speed: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._speed = speed
        self._entries: list[_Entry] = []
        self._numbers = count()
        self._wake = asyncio.Event()
        self.over = False  # nothing more is done

    def now(self, step: Step) -> None:
        """Do this after what is due already."""
        self._add(step)

    async def perform(self, step: Step) -> None:
        """Do this after what is due already, and wait for it.

        :raises EngineError: it failed, or the agenda ended before its turn came.
        """
        if self.over:
            raise _ended()
        done = self._loop.create_future()
        self._add(step, done=done)
        await done

    def after(self, seconds: float, step: Step) -> None:
        """Plan this for later."""
        self.at(self._loop.time() + seconds / self._speed, step)

    def at(self, due: float, step: Step) -> None:
        """Plan this for a moment on the loop's clock."""
        self._add(step, due=due)

    def drop_plans(self) -> None:
        """Forget the planned steps; the immediate ones are still done."""
        self._entries = [entry for entry in self._entries if not entry.planned]
        heapq.heapify(self._entries)

    def end(self) -> None:
        """Do nothing more once the current step is done."""
        self.over = True
        self._wake.set()

    async def run(self) -> None:
        """Do the steps until `end`."""
        try:
            while not self.over:
                if self._entries and self._entries[0].due <= self._loop.time():
                    await self._do(heapq.heappop(self._entries))
                else:
                    await self._sleep()
        finally:
            self.over = True
            for entry in self._entries:
                entry.settle(_ended())

    def _add(
        self, step: Step, *, due: float | None = None, done: asyncio.Future[None] | None = None
    ) -> None:
        at = self._loop.time() if due is None else due
        entry = _Entry(at, next(self._numbers), step, planned=due is not None, done=done)
        heapq.heappush(self._entries, entry)
        if self._entries[0] is entry:
            self._wake.set()

    async def _sleep(self) -> None:
        self._wake.clear()
        if not self._entries:
            await self._wake.wait()
            return
        alarm = self._loop.call_at(self._entries[0].due, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            alarm.cancel()

    async def _do(self, entry: _Entry) -> None:
        try:
            await entry.step()
        except EngineError as error:
            entry.settle(error)
            if entry.done is None:
                self.after(RETRY_SECONDS, entry.step)
        except BaseException:
            entry.settle(_ended())
            raise
        else:
            entry.settle()


def _ended() -> EngineError:
    return EngineError("The connection ended before this was done.", retryable=True)
