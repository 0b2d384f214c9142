"""Keep one session's connection: open it, watch over it, open it again.

`failures` says what a refusal means. Who stops trying is decided there, not here: a passing
failure is tried again for as long as the session is wanted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

from sessions_app.engines import events, registry
from sessions_app.engines.base import CapabilityMissing, EngineError
from sessions_app.failures import FAILURES, Retry, failure
from sessions_app.runner.pacing import Backoff
from sessions_app.runner.watching import Watch
from sessions_app.services.engine_refs import Unusable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sessions_app.engines.base import Connection, EventSink, Options, SessionRef
    from sessions_app.runner.pacing import Pacer
    from sessions_app.runner.tuning import Tuning

logger = logging.getLogger(__name__)
_OPEN_SECONDS = 60.0  # until an engine has to have a connection; it emits the rest later
CLOSE_SECONDS = 10.0  # an engine that hangs must not keep its session from being released
_STABLE_SECONDS = 60.0  # a connection that stood this long begins its waits anew
_HOLD_ENDS = (Retry.NEVER, Retry.AT_END)
# Not `wait_for`: until Python 3.12 it swallows a cancellation that meets the answer, and who
# closes the line would wait for a task that goes on.
_within = asyncio.timeout


class Keeper(Protocol):
    """Who holds the line: it knows the session and reports what becomes of it."""

    kind: str  # of engine
    options: Options

    def sink(self) -> EventSink:
        """Make what takes the events of one connection."""

    async def opened(self) -> None:
        """Take notice that there is a connection, though maybe no stream yet."""

    async def refused(self, failed: events.ConnectFailed, *, wait: float | None) -> None:
        """Take notice of a failure; the next attempt comes after `wait`, if one does."""

    async def degraded(self, reason: str) -> None:
        """Take notice that the stream does not answer; it is opened anew."""


class Line:
    """The connection of one session, from `open` to `close`."""

    def __init__(
        self,
        keeper: Keeper,
        *,
        load: Callable[[], Awaitable[SessionRef]],
        pacer: Pacer,
        tuning: Tuning,
    ) -> None:
        self._keeper = keeper
        self._load = load
        self._pacer = pacer
        self._tuning = tuning
        self._backoff = Backoff(tuning)
        self.watch = Watch(tuning)
        self.connection: Connection | None = None
        self._broken: asyncio.Future[events.ConnectFailed] | None = None
        self._task: asyncio.Task[None] | None = None

    def open(self, *, after: float = 0.0) -> None:
        """Start to connect in the background; safe to repeat."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay(after))

    def fail(self, failed: events.ConnectFailed) -> None:
        """Give the connection up, as its engine says that it is of no more use."""
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(failed)

    def begin_anew(self) -> None:
        """Forget how long the last waits were: a person asked for another attempt."""
        self._backoff.forget()

    async def close(self, *, leave: bool = False, within: float = CLOSE_SECONDS) -> None:
        """Stop trying, and drop the connection.

        :param leave: another process goes on with the session.
        """
        task, self._task = self._task, None
        connection, self.connection = self.connection, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._drop(connection, leave=leave, within=within)

    async def _stay(self, after: float) -> None:
        await asyncio.sleep(after)
        while True:
            began = time.monotonic()
            failed = await self._hold()
            if time.monotonic() - began >= _STABLE_SECONDS:
                self._backoff.forget()
            retry = failure(failed.code).retry
            if retry in _HOLD_ENDS:
                await self._keeper.refused(failed, wait=None)
                return
            wait = self._backoff.next(retry)
            await self._keeper.refused(failed, wait=wait)
            await asyncio.sleep(wait)

    async def _hold(self) -> events.ConnectFailed:
        """Open the connection and watch over it until it is of no more use; say why."""
        await self._pacer.turn()
        self._broken = asyncio.get_running_loop().create_future()
        self.watch.closed()
        try:
            async with _within(_OPEN_SECONDS):
                connection = await self._connect()
        except (EngineError, Unusable, registry.UnknownEngine, TimeoutError) as error:
            return refusal(error)
        except Exception as error:
            # The edge of a session: an engine's mistake must not end the attempts unseen.
            logger.exception("Connecting failed")
            return events.ConnectFailed("engine_error", type(error).__name__)
        self.connection = connection
        connection.configure(self._keeper.options)  # they may have changed meanwhile
        await self._keeper.opened()
        failed = await self._watch_over(connection)
        await self._drop(connection)
        self.connection = None  # not before: who cancels this here drops it once more
        return failed

    async def _connect(self) -> Connection:
        engine = registry.engine(self._keeper.kind)
        return await engine.connect(await self._load(), self._keeper.sink())

    async def _watch_over(self, connection: Connection) -> events.ConnectFailed:
        broken = self._broken
        assert broken is not None  # noqa: S101 (made by `_hold`)
        while True:
            # Looks once a second: what is due changes with every event.
            due = self.watch.due_in()
            done, _ = await asyncio.wait({broken}, timeout=min(1.0, due or 1.0))
            if done:
                return broken.result()
            if self.watch.due_in() == 0 and (failed := await self._examine(connection)):
                return failed

    async def _examine(self, connection: Connection) -> events.ConnectFailed | None:
        """Ask a silent stream; give up one that was unwell for too long."""
        if self.watch.stands:
            trouble = await self._probe(connection)
            if trouble is None:
                self.watch.heard()
                return None
        elif self.watch.degraded:
            trouble = "It did not answer for too long."
        else:
            return events.ConnectFailed("unreachable", "The stream did not come back.")
        if not self.watch.may_restart():
            return events.ConnectFailed("silent_too_often", trouble)
        await self._keeper.degraded(trouble)
        return events.ConnectFailed("silent", trouble)

    async def _probe(self, connection: Connection) -> str | None:
        """Return what is wrong with a stream, None when it answers."""
        try:
            async with _within(self._tuning.probe):
                status = await connection.status()
        except CapabilityMissing:
            return None
        except TimeoutError:
            return "It did not answer in time."
        except EngineError as error:
            return str(error)
        except Exception as error:
            # As in `_hold`: nobody would watch over the stream any more.
            logger.exception("A probe failed")
            return f"Our mistake: {type(error).__name__}."
        return None if status.connected else "It says that it is not connected."

    async def _drop(
        self,
        connection: Connection | None,
        *,
        leave: bool = False,
        within: float = CLOSE_SECONDS,
    ) -> None:
        self.watch.closed()
        if connection is None:
            return
        end = connection.leave if leave else connection.close
        try:
            async with _within(within):
                await end()
        except (EngineError, TimeoutError) as error:
            logger.warning("A connection did not close", extra={"reason": repr(error)})
        except Exception:
            # It is given up in any case; whoever drops it has more to do.
            logger.exception("A connection did not close")


def refusal(error: Exception) -> events.ConnectFailed:
    """Return what an error of `Engine.connect` is called in `failures`."""
    match error:
        case Unusable(code=code):
            return events.ConnectFailed(code)
        case CapabilityMissing() | registry.UnknownEngine():
            return events.ConnectFailed("engine_missing", str(error))
        case EngineError(code=code) if code in FAILURES:
            return events.ConnectFailed(code, str(error))
        case EngineError(retryable=True) | TimeoutError():
            return events.ConnectFailed("unreachable", str(error))
        case _:
            return events.ConnectFailed("engine_error", str(error))
