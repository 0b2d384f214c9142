"""Keeps a host alive for one session, and carries its events to the runner."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.neonize import packing
from sessions_app.engines.neonize.process import HostProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sessions_app.engines.base import EventSink
    from sessions_app.engines.events import EngineEvent
    from sessions_app.engines.neonize.frames import Frame
    from sessions_app.engines.neonize.process import HostCommand, Patience

logger = logging.getLogger(__name__)
_FAREWELL_SECONDS = 2.0  # for a host to hang up and keep what had come; then it is killed
_DOUBLINGS = 10  # of the wait between hosts; by then it is the longest
_STUCK = "it did not connect"
# After these the device or the attempt is of no more use to this connection.
_ENDS = (
    events.LoggedOut,
    events.Replaced,
    events.TemporarilyBanned,
    events.ConnectFailed,
    events.PairingTimedOut,
    events.PairingFailed,
    events.PasskeyRequested,
)


class Keeper:
    """Runs hosts, one after the other, until the session ends or `stop` is called.

    :param prepare: called before the first host starts.
    :param kept: called with what is in the database by now.
    """

    def __init__(
        self,
        command: HostCommand,
        start: dict[str, Any],
        sink: EventSink,
        patience: Patience,
        *,
        prepare: Callable[[], Awaitable[None]],
        kept: Callable[[list[EngineEvent]], Awaitable[None]],
    ) -> None:
        self.jid = ""  # of the account, once it is known
        self.connected = False
        self._command = command
        self._start = start
        self._sink = sink
        self._patience = patience
        self._prepare = prepare
        self._kept = kept
        self._process: HostProcess | None = None
        self._emitted: list[EngineEvent | None] = []
        self._last_seq = 0
        self._news = asyncio.Event()
        self._crashes: deque[float] = deque()
        self._failures = 0
        self._silent = False
        self._deadline: float | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Start the first host in the background."""
        self._tasks = [asyncio.create_task(self._guarded())]

    async def call(self, op: str, args: dict[str, Any], *, seconds: float) -> Any:
        """Ask the host.

        :raises HostGone: it ended, or did not answer in time.
        :raises EngineError: there is none, or it refused.
        """
        if self._process is None:
            raise EngineError("The session's host is not running.", retryable=True)
        return await self._process.call(op, args, seconds=seconds)

    async def stop(self) -> None:
        """Emit nothing more and end the host; safe to repeat and within the sink."""
        self._silent = True
        if self.connected:
            with contextlib.suppress(EngineError):  # it is killed in any case
                await self.call("leave", {}, seconds=_FAREWELL_SECONDS)
            self.connected = False
        if self._process is not None:
            self._process.kill("closed")
        if asyncio.current_task() in self._tasks:
            return  # they end by themselves when the host is gone
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._process is not None:
            await self._process.close()

    async def emit(self, event: EngineEvent) -> None:
        """Put an event of our own into the stream."""
        if not self._silent:
            await self._sink(event)

    # -- one host after the other -----------------------------------------------------------

    async def _guarded(self) -> None:
        try:
            await self._run()
        except Exception:
            # The edge of the session: nobody waits for this task.
            logger.exception("Session's engine failed")
            if self._process is not None:
                self._process.kill("failed")
            await self.emit(events.ConnectFailed("engine_error"))

    async def _run(self) -> None:
        while not self._silent:
            reason = await self._attempt()
            if reason is None or self._silent:
                return
            self.connected = False
            await self.emit(events.Disconnected(reason))
            delay = self._patience.first_delay * 2**self._failures
            self._failures = min(self._failures + 1, _DOUBLINGS)
            delay = min(delay, self._patience.max_delay) * random.uniform(0.75, 1.25)  # noqa: S311
            await asyncio.sleep(delay)

    async def _attempt(self) -> str | None:
        """Run one host to its end; return why another one has to follow, if it has to."""
        try:
            await self._prepare()
        except EngineError as error:
            return await self._unprepared(error)
        # Whoever cancels this task closes the process.
        try:
            process = self._process = HostProcess(self._command, self._patience)
        except OSError as error:  # no memory or no file descriptors left
            return f"The engine's host did not start: {error.strerror}."
        await process.open(self._start)
        reason = await self._follow(process)
        await process.close()
        self._process = None
        return reason

    async def _unprepared(self, error: EngineError) -> str | None:
        if error.retryable:
            return str(error)
        await self.emit(events.ConnectFailed(error.code or "engine_error", str(error)))
        return None

    async def _follow(self, process: HostProcess) -> str | None:
        self._emitted.clear()
        self._last_seq = 0
        self._deadline = asyncio.get_running_loop().time() + self._patience.first_sign
        acknowledging = asyncio.create_task(self._acknowledge(process))
        # A host that nobody acknowledges anything to soon tells nothing more.
        acknowledging.add_done_callback(lambda _: process.kill("its events were not kept"))
        self._tasks[1:] = [acknowledging]
        try:
            while (frame := await self._next(process)) is not None:
                if "unready" in frame:
                    return str(frame["unready"])
                if "failed" in frame:
                    return await self._could_not_connect(frame["failed"])
                if isinstance(await self._take(frame), _ENDS):
                    await self._settle(process)
                    return None
            return await self._ended(process)
        finally:
            acknowledging.cancel()
            [failure] = await asyncio.gather(acknowledging, return_exceptions=True)
            if isinstance(failure, Exception):
                raise failure

    async def _next(self, process: HostProcess) -> Frame | None:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await process.frames.get()
        except TimeoutError:
            process.kill(_STUCK)
            return None

    async def _take(self, frame: Frame) -> EngineEvent | None:
        event = None
        if frame["type"]:
            event = packing.unpack(frame["type"], frame["data"])
            self._note(event)
            await self.emit(event)
        if not frame["more"]:
            self._last_seq = frame["seq"] or self._last_seq
        self._emitted.append(event)
        self._news.set()
        return event

    def _note(self, event: EngineEvent) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(event, _ENDS):
            self.connected = False
        match event:
            case events.ChallengeIssued():
                self._deadline = None
            case events.Paired(jid=jid):
                self.jid, self._deadline = jid, now + self._patience.paired
            case events.Connected(jid=jid):
                self.jid, self.connected, self._deadline = jid, True, None
                self._failures = 0
            case events.Disconnected():
                self.connected = False
                self._deadline = self._deadline or now + self._patience.reconnect

    async def _could_not_connect(self, reason: str) -> str | None:
        if self._start["proxy"]:
            # Never without its proxy: somebody else has to give the session another one.
            await self.emit(events.ConnectFailed("proxy_down", reason))
            return None
        return f"WhatsApp can't be reached: {reason}"

    async def _ended(self, process: HostProcess) -> str | None:
        if self._silent:
            return None
        if process.ending == _STUCK:
            return "The stream did not come back; the engine starts anew."
        words = process.ending or process.last_words() or "it crashed"
        logger.warning(
            "Engine host ended", extra={"session": self._start["session_id"], "reason": words}
        )
        now = time.monotonic()
        self._crashes.append(now)
        while self._crashes[0] < now - self._patience.crash_window:
            self._crashes.popleft()
        if len(self._crashes) >= self._patience.crashes:
            await self.emit(events.ConnectFailed("host_crashed", words))
            return None
        return f"The engine ended: {words}."

    # -- what is in the database ------------------------------------------------------------

    async def _acknowledge(self, process: HostProcess) -> None:
        """Tell the host what it may forget, as the database takes it."""
        while True:
            await self._news.wait()
            self._news.clear()
            emitted, self._emitted, last = self._emitted, [], self._last_seq
            await self._sink.kept()
            if last:
                process.ack(last)
            await self._kept([event for event in emitted if event is not None])

    async def _settle(self, process: HostProcess) -> None:
        """Have the host forget what it told before its session ended; then it can go."""
        await self._sink.kept()
        process.ack(self._last_seq)
        with contextlib.suppress(EngineError):  # its answer says that it took the line before
            await process.call("status", {}, seconds=_FAREWELL_SECONDS)
