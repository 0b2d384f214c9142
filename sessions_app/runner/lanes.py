"""What one session has to do, in lanes: in order within each, none waiting for another."""

from __future__ import annotations

import asyncio
import logging
from enum import StrEnum
from typing import TYPE_CHECKING

from sessions_app.engines.base import EngineError
from sessions_app.ingest.reports import Heard
from sessions_app.runner.execution import Executor
from sessions_app.runner.pacing import Bucket
from sessions_app.services import inbox

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Any

    from sessions_app.models import Command, InboxEntry
    from sessions_app.runner.worker import Worker

logger = logging.getLogger(__name__)
_FINISH_SECONDS = 2.0  # how long what is in flight may take when the session closes
_HEAR_SECONDS = 30.0


class Lane(StrEnum):
    """Sends wait for the stream and for each other; the rest must not wait for them."""

    SENDS = "sends"
    OTHERS = "others"
    INBOX = "inbox"


class Lanes:
    """The tasks of one worker, one per lane at most."""

    def __init__(
        self, worker: Worker, *, idle: Callable[[], None], rate: tuple[int, float] | None
    ) -> None:
        self._worker = worker
        self._idle = idle
        self._bucket = Bucket(rate)
        self._executor = Executor(worker)
        self._running: dict[Lane, asyncio.Task[None]] = {}

    def room(self, lane: Lane, limit: int) -> int:
        """Return how many rows the lane could take now, `limit` at most."""
        if lane in self._running:
            return 0
        if lane == Lane.SENDS:
            return self._bucket.available(limit) if self._worker.connected else 0
        if lane == Lane.INBOX:
            return limit if self._worker.line.connection is not None else 0
        return limit

    @property
    def in_flight(self) -> set[int]:
        """The ids of commands that are being executed."""
        return self._executor.in_flight

    def take(self, commands: Iterable[Command], lane: Lane) -> None:
        """Execute commands in order, in the background; only for a lane with room."""
        self._start(lane, self._execute(list(commands), lane))

    def hear(self, entries: Iterable[InboxEntry]) -> None:
        """Tell the engine what its gateway posted, in order, in the background."""
        self._start(Lane.INBOX, self._hear(list(entries)))

    async def settle(self) -> None:
        """Wait a little for what is in flight, then cut it short."""
        current = asyncio.current_task()
        self._executor.stop()
        running = [task for task in self._running.values() if task is not current]
        if running:
            await asyncio.wait(running, timeout=_FINISH_SECONDS)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _start(self, lane: Lane, work: Coroutine[Any, Any, None]) -> None:
        self._running[lane] = asyncio.create_task(self._run(lane, work))

    async def _run(self, lane: Lane, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
            # Before anybody looks for rows again, the endings must be written.
            await self._worker.written()
        finally:
            self._running.pop(lane, None)
            self._idle()

    async def _execute(self, commands: list[Command], lane: Lane) -> None:
        """Execute until something has to wait; what is left stays queued in the database."""
        for command in commands:
            if lane == Lane.SENDS and not (self._worker.connected and self._bucket.take()):
                break
            if not await self._executor.execute(command):
                break
        if lane == Lane.SENDS and not self._bucket.available(1):
            asyncio.get_running_loop().call_later(self._bucket.wait(), self._idle)

    async def _hear(self, entries: list[InboxEntry]) -> None:
        """Stop at the first that the engine can't take: those behind it come after it."""
        claim, heard = self._worker.claim, dict[int, str]()
        for entry in entries:
            if self._worker.line.connection is None:
                break  # it was closed meanwhile, which is not the entry's fault
            heard[entry.pk] = await self._hear_one(entry)
            if heard[entry.pk]:
                break
        await self._worker.report(Heard(claim.session_id, claim.epoch, heard))

    async def _hear_one(self, entry: InboxEntry) -> str:
        """Return what was wrong with an entry, "" for nothing."""
        try:
            payload = inbox.payload_of(entry)
            async with asyncio.timeout(_HEAR_SECONDS):
                await self._worker.connection.hear(payload)
        except (EngineError, TimeoutError) as error:
            return str(error) or type(error).__name__
        except Exception as error:
            # The edge of a session: one webhook must not silence it.
            logger.exception("A webhook was not understood")
            return type(error).__name__
        return ""
