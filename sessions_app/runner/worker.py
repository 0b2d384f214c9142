"""One session in a runner: its connection, and its work in order."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from django.utils import timezone

from sessions_app.engines import events, registry
from sessions_app.engines.base import EngineError, Options
from sessions_app.failures import Retry, failure
from sessions_app.ingest.reports import Left, Moved, Observed
from sessions_app.runner.flaps import Flaps
from sessions_app.runner.lanes import Lanes
from sessions_app.runner.line import CLOSE_SECONDS, Line
from sessions_app.states import SessionStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from sessions_app.engines.base import Connection, Engine, SessionRef
    from sessions_app.engines.events import EngineEvent
    from sessions_app.ingest.reports import Report
    from sessions_app.runner.pacing import Pacer
    from sessions_app.runner.tuning import Tuning
    from sessions_app.runner.writer import Writer
    from sessions_app.services.leases import Claim

logger = logging.getLogger(__name__)
_HAND_OVER_SECONDS = 0.5  # for a connection to close when the runner stops
# After these the engine does not come back by itself: the connection is of no more use.
_ENDS = (
    events.LoggedOut,
    events.Replaced,
    events.TemporarilyBanned,
    events.PairingTimedOut,
    events.PairingFailed,
)
_RETRIED = frozenset({Retry.SOON, Retry.COOL_DOWN})
_LOGOUT_REQUESTED = events.ConnectFailed("logout_requested")


class Sink:
    """Where the engine puts what it sees of one session, on one connection."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def __call__(self, event: EngineEvent, /) -> None:
        """Take an event."""
        await self._worker.observe(event, source=self)

    async def kept(self) -> None:
        """Wait until the database has every event so far: for good, if it takes none any more.

        Then the lease is lost, and the connection closed soon: what the engine did not
        acknowledge comes again to the next owner.
        """
        if not await self._worker.written():
            await asyncio.Event().wait()


class Worker:
    """Holds a session's connection from claim to release."""

    def __init__(
        self,
        claim: Claim,
        *,
        writer: Writer,
        idle: Callable[[], None],
        load: Callable[..., Awaitable[SessionRef]],
        pacer: Pacer,
        tuning: Tuning,
    ) -> None:
        self.claim = claim
        self.kind = claim.engine
        self.options = Options()
        self.connected = False
        self.ended = False
        self._writer = writer
        self._idle = idle
        self._load: Callable[..., Awaitable[SessionRef]] = partial(load, claim)
        self._numbers = count(1)
        self._sink: Sink | None = None
        self._was_up = False
        self._flaps = Flaps(tuning.flap, self._tell)
        self.line = Line(self, load=self._load, pacer=pacer, tuning=tuning)
        self.lanes = Lanes(self, idle=idle, rate=tuning.send_rates.get(claim.engine))

    # -- what the supervisor wants ---------------------------------------------------------

    def open(self, *, after: float = 0.0) -> None:
        """Start connecting in the background; safe to repeat."""
        if not self.ended:
            self.line.open(after=after)

    def configure(self, options: Options) -> None:
        """Have the session do by itself what its settings say now; safe to repeat."""
        if options == self.options:
            return
        self.options = options
        if self.line.connection is not None:
            self.line.connection.configure(options)

    async def close(self) -> None:
        """Finish the commands in flight, drop the connection; the device stays linked."""
        await self.lanes.settle()
        await self._disconnect()

    async def halt(self, reason: str) -> None:
        """Close because the tenant wants it stopped, or because it is held."""
        await self.close()
        await self.move(SessionStatus.STOPPED, reason)

    async def hand_over(self) -> None:
        """Close because this runner stops; another one goes on."""
        await self.lanes.settle()
        await self._disconnect(leave=True, within=_HAND_OVER_SECONDS)
        await self.report(Left(self.claim.session_id, self.claim.epoch))

    async def forget(self) -> None:
        """Unlink the device and let the engine forget the session: it was deleted."""
        try:
            if self.line.connection is not None:
                await self.line.connection.logout()
        except EngineError as error:
            logger.warning("Logout failed", extra={"reason": str(error)})
        finally:
            await self.close()
        ref = await self._load(forgetting=True)
        await asyncio.to_thread(self.engine.purge, ref)
        await self.move(SessionStatus.DELETED, "deleted")

    # -- what commands want ----------------------------------------------------------------

    async def reconnect(self) -> None:
        """Drop the connection and open it again, at once."""
        await self._disconnect()
        self.line.begin_anew()
        await self.move(SessionStatus.STARTING, "reconnect requested")
        self.open()

    async def unlink(self) -> None:
        """Unlink the device as its owner asked; the session stays."""
        await self.connection.logout()
        self.connected, self.ended = False, True
        self._flaps.forget()
        await self._tell(_LOGOUT_REQUESTED)

    @property
    def engine(self) -> Engine:
        """Return the session's engine.

        :raises UnknownEngine: this deployment does not offer it.
        """
        return registry.engine(self.kind)

    @property
    def connection(self) -> Connection:
        """Return the open connection.

        :raises EngineError: there is none; a retry may find one.
        """
        if self.line.connection is None:
            raise EngineError("The session is not connected.", retryable=True)
        return self.line.connection

    # -- what the line tells ---------------------------------------------------------------

    def sink(self) -> Sink:
        """Make the sink of the next connection; what older ones say is history."""
        self._sink = Sink(self)
        return self._sink

    async def opened(self) -> None:
        """Let commands run that do not wait for the stream."""
        self._idle()

    async def refused(self, failed: events.ConnectFailed, *, wait: float | None) -> None:
        """Tell of a failure: at once, if the session was not up or will be long away."""
        self.connected = False
        retry = failure(failed.code).retry
        if wait is None:
            self.ended = True
            self._flaps.forget()
            await self._tell(failed)
        elif retry == Retry.SOON and self._was_up:
            await self._flaps.hold_back(failed)
        else:
            self._flaps.forget()
            later = timezone.now() + timedelta(seconds=wait)
            await self._tell(failed, retry_at=later if retry == Retry.COOL_DOWN else None)

    async def degraded(self, reason: str) -> None:
        """Hold the sends and tell that the stream does not answer."""
        self.connected = False
        self._flaps.forget()
        await self._tell(events.Degraded(reason))

    # -- what the engine tells -------------------------------------------------------------

    async def observe(self, event: EngineEvent, *, source: Sink) -> None:
        """Take an event from the engine; waits while the writer is behind."""
        self.line.watch.heard()
        if not isinstance(event, events.StateEvent):
            await self.report(Observed(self.claim.session_id, self.claim.epoch, event))
        elif source is self._sink and not self.ended:
            await self._follow(event)

    async def _follow(self, event: EngineEvent) -> None:
        match event:
            case events.Connected():
                await self._come_up(event)
            case events.Disconnected():
                self._go_down()
                await self._flaps.hold_back(event)
            case events.Degraded(reason=reason):
                self._go_down(degraded=True)
                await self.degraded(reason)
            case events.ConnectFailed(code=code) if failure(code).retry in _RETRIED:
                self._go_down()
                self.line.fail(event)  # which tells of it
            case events.LoggedOut() | events.ConnectFailed(code="401") if self._flaps.doubts(
                event
            ):
                self._go_down()
                self.line.fail(events.ConnectFailed("515"))
            case _:
                await self._change(event)

    async def _come_up(self, event: EngineEvent) -> None:
        self._flaps.forget()
        self._flaps.settle()
        self.line.watch.came_up()
        self.connected = self._was_up = True
        await self._tell(event)
        self._idle()

    def _go_down(self, *, degraded: bool = False) -> None:
        self.connected = False
        self.line.watch.went_down(degraded=degraded)

    async def _change(self, event: EngineEvent) -> None:
        """Tell what somebody has to act on, or what ends the connection."""
        doubted = self._flaps.settle()
        if isinstance(event, events.ChallengeIssued) and doubted is not None:
            event = doubted  # a device that is asked for a new pairing is logged out indeed
        self._flaps.forget()
        if isinstance(event, events.Paired):
            self._was_up = True
            self._flaps.shake()
        if isinstance(event, (*_ENDS, events.ConnectFailed)):
            self.connected = False
            self.ended = True
            self.line.watch.closed()
        await self._tell(event)

    async def _tell(self, event: EngineEvent, *, retry_at: datetime | None = None) -> None:
        """Report what changes the session's state, numbered."""
        claim, number = self.claim, next(self._numbers)
        await self.report(Observed(claim.session_id, claim.epoch, event, number, retry_at))

    async def restrict(self) -> None:
        """Tell that WhatsApp refused a message to somebody new."""
        await self._tell(events.Restricted())

    # -- reports ---------------------------------------------------------------------------

    async def move(self, status: SessionStatus, reason: str) -> None:
        """Report what the runner did to the connection."""
        number = next(self._numbers)
        claim = self.claim
        await self.report(Moved(claim.session_id, claim.epoch, status, reason, number))

    async def report(self, report: Report) -> None:
        """Hand a report to the writer, in order with the engine's events."""
        await self._writer.put(report)

    async def written(self) -> bool:
        """Wait until everything reported and observed so far is in the database.

        False if it is not, as the lease was lost: somebody else has the session.
        """
        await self._writer.flush()
        return (self.claim.session_id, self.claim.epoch) not in self._writer.lost

    async def _disconnect(self, *, leave: bool = False, within: float = CLOSE_SECONDS) -> None:
        self.connected = False
        self._flaps.forget()
        await self.line.close(leave=leave, within=within)
