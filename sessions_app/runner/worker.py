"""One session in a runner: its connection, and its commands in order."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from sessions_app.engines import events, registry
from sessions_app.engines.base import EngineError, Options, SessionRef
from sessions_app.ingest.reports import Moved, Observed
from sessions_app.runner.execution import Executor
from sessions_app.states import SessionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sessions_app.engines.base import Connection
    from sessions_app.engines.events import EngineEvent
    from sessions_app.ingest.reports import Report
    from sessions_app.models import Command
    from sessions_app.runner.writer import Writer
    from sessions_app.services.leases import Claim

logger = logging.getLogger(__name__)
_FIRST_DELAY = 2.0  # seconds between attempts to connect, doubling
_MAX_DELAY = 300.0
_MAX_ATTEMPTS = 8  # about eight minutes of trying, then a person decides
_FINISH_SECONDS = 2.0  # how long a command in flight may take when the session closes
# After these the engine does not come back by itself: the connection is of no more use.
_ENDS = (
    events.LoggedOut,
    events.Replaced,
    events.TemporarilyBanned,
    events.PairingTimedOut,
)


class Sink:
    """Where the engine puts what it sees of one session."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def __call__(self, event: EngineEvent, /) -> None:
        """Take an event."""
        await self._worker.observe(event)

    async def kept(self) -> None:
        """Wait until the database has every event so far."""
        await self._worker.written()


class Worker:
    """Holds a session's connection from claim to release.

    Commands of a kind run one at a time, in order: sends in one lane, everything else in
    another, so that a session that waits for its connection can still be told things.
    """

    def __init__(self, claim: Claim, *, writer: Writer, idle: Callable[[], None]) -> None:
        self.claim = claim
        self.engine = registry.engine(claim.engine)
        self.connected = False
        self.ended = False
        self._options = Options()
        self._writer = writer
        self._idle = idle
        self._connection: Connection | None = None
        self._opening: asyncio.Task[None] | None = None
        self._running: dict[bool, asyncio.Task[None]] = {}
        self._executor = Executor(self)

    # -- the connection -------------------------------------------------------------------

    def open(self) -> None:
        """Start connecting in the background; safe to repeat."""
        if self._opening is None and self._connection is None:
            self._opening = asyncio.create_task(self._open())

    def configure(self, options: Options) -> None:
        """Have the session do by itself what its settings say now; safe to repeat."""
        if options == self._options:
            return
        self._options = options
        if self._connection is not None:
            self._connection.configure(options)

    async def close(self) -> None:
        """Finish the commands in flight, drop the connection; the device stays linked."""
        await self._settle_running()
        await self._disconnect()

    async def halt(self, reason: str) -> None:
        """Close because the tenant wants it stopped, or because it is held."""
        await self.close()
        await self.move(SessionStatus.STOPPED, reason)

    async def hand_over(self) -> None:
        """Close because this runner stops; another one goes on."""
        await self.close()
        await self.move(SessionStatus.DISCONNECTED, "the runner stopped")

    async def forget(self) -> None:
        """Unlink the device and let the engine forget the session: it was deleted."""
        connection, ref = self._connection, self.ref
        try:
            if connection is not None:
                await connection.logout()
        except EngineError as error:
            logger.warning("Logout failed", extra={"reason": str(error)})
        await self.close()
        await asyncio.to_thread(self.engine.purge, ref)
        await self.move(SessionStatus.DELETED, "deleted")

    async def reconnect(self) -> None:
        """Drop the connection and open it again."""
        await self._disconnect()
        await self.move(SessionStatus.STARTING, "reconnect requested")
        self.open()

    @property
    def ref(self) -> SessionRef:
        """Return what the engine may know of the session."""
        return SessionRef(self.claim.public_id, self.claim.epoch, self._options)

    @property
    def connection(self) -> Connection:
        """Return the open connection.

        :raises EngineError: there is none; a retry may find one.
        """
        if self._connection is None:
            raise EngineError("The session is not connected.", retryable=True)
        return self._connection

    async def move(self, status: SessionStatus, reason: str) -> None:
        """Report what the runner did to the connection."""
        await self._writer.put(Moved(self.claim.session_id, self.claim.epoch, status, reason))

    async def _open(self) -> None:
        delay = _FIRST_DELAY
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                self._connection = await self.engine.connect(self.ref, Sink(self))
            except EngineError as error:
                if not error.retryable or attempt == _MAX_ATTEMPTS:
                    await self.move(SessionStatus.FAULTED, str(error))
                    self.ended = True
                    return
                await self.move(SessionStatus.DISCONNECTED, str(error))
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 (jitter)
                delay = min(delay * 2, _MAX_DELAY)
            else:
                self._connection.configure(self._options)  # they may have changed meanwhile
                self._opening = None
                self._idle()  # commands that do not wait for the stream can run now
                return

    async def _disconnect(self) -> None:
        self.connected = False
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def observe(self, event: EngineEvent) -> None:
        """Take an event from the engine; waits while the writer is behind."""
        if isinstance(event, events.Connected):
            self.connected = True
            self._idle()
        elif isinstance(event, (events.Disconnected, *_ENDS)):
            self.connected = False
            self.ended = isinstance(event, _ENDS)
        await self._writer.put(Observed(self.claim.session_id, self.claim.epoch, event))

    # -- the commands ---------------------------------------------------------------------

    async def report(self, report: Report) -> None:
        """Hand a report to the writer, in order with the engine's events."""
        await self._writer.put(report)

    async def written(self) -> None:
        """Wait until everything reported and observed so far is in the database."""
        await self._writer.flush()

    def is_idle(self, *, sends: bool) -> bool:
        """Say whether the lane could take commands now."""
        return sends not in self._running and (self.connected or not sends)

    def take(self, commands: Iterable[Command], *, sends: bool) -> None:
        """Execute commands in order, in the background; only for an idle lane."""
        self._running[sends] = asyncio.create_task(self._run(list(commands), sends=sends))

    async def _run(self, commands: list[Command], *, sends: bool) -> None:
        """Execute until something has to wait; what is left stays queued in the database."""
        try:
            for command in commands:
                if (sends and not self.connected) or not await self._executor.execute(command):
                    break
            # Before anybody looks for queued commands again, the endings must be written.
            await self.written()
        finally:
            self._running.pop(sends, None)
            self._idle()

    async def _settle_running(self) -> None:
        current = asyncio.current_task()
        running = [task for task in self._running.values() if task is not current]
        if running:
            await asyncio.wait(running, timeout=_FINISH_SECONDS)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
