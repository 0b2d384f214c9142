"""What a gateway's session lives through, as far as we know.

Webhooks about the state are hints: they come late, twice or not at all. What counts is what
the gateway answers when it is asked: `look` compares that with what was told last, and tells
the difference. That somebody else took the device's place is told by no gateway (WuzAPI keeps
`StreamReplaced` to itself): it looks like a broken stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.wuzapi import qr

if TYPE_CHECKING:
    from sessions_app.engines.base import EventSink
    from sessions_app.engines.wuzapi.session import SessionCalls
    from sessions_app.engines.wuzapi.status import Status

logger = logging.getLogger(__name__)

# whatsmeow shows the first code for 60 s and each of the five others for 20 s.
FIRST_CODE = timedelta(seconds=60)
NEXT_CODE = timedelta(seconds=20)
# Polls in a row that found nothing, a minute of them. whatsmeow itself connects again sooner,
# and a second client of the same device would throw the first one out.
POLLS_UNTIL_RECONNECT = 12
_POLLS_UNTIL_TIMED_OUT = 2  # one alone may meet the restart after a scan
_SLOWER = 6  # polls of a gateway that does not answer


class Phase(StrEnum):
    """What was told last; `ENDED` is final."""

    OPENING = "opening"
    PAIRING = "pairing"
    RESTARTING = "restarting"  # scanned; the stream comes up again
    CONNECTED = "connected"
    DEGRADED = "degraded"  # the socket stands, and does not answer
    BROKEN = "broken"
    ENDED = "ended"


_STANDING = frozenset({Phase.CONNECTED, Phase.DEGRADED})


class Stream:
    """Tells the sink, in order, what is true of the session; watches it while it is not up."""

    def __init__(self, calls: SessionCalls, sink: EventSink, *, poll_seconds: float) -> None:
        self.phase = Phase.OPENING
        self.jid = ""
        self.lock = asyncio.Lock()  # whoever emits holds it, so that events keep their order
        self._calls = calls
        self._sink = sink
        self._poll_seconds = poll_seconds
        self.shows_codes = True  # not once the phone pairs by a code that is typed
        # The state was told for the first time, or never will be.
        self._opened = asyncio.Event()
        self._first_jid: str | None = None  # what the gateway's row held before any pairing
        self._code = ""
        self._seq = 0
        self._misses = 0  # polls in a row that found neither a login nor a code
        self._reopened = False  # since the session was up
        self._hint = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def unlinked(self) -> bool:
        """Say whether there is surely no device to unlink."""
        return self.phase is Phase.PAIRING or (self.phase is Phase.ENDED and not self.jid)

    def start(self) -> None:
        """Watch until the session ends."""
        self._task = asyncio.create_task(self._guarded())

    async def stop(self) -> None:
        """Tell nothing more. Safe to repeat and within the sink."""
        self.phase = Phase.ENDED
        self._opened.set()
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def look_soon(self) -> None:
        """Have the watcher ask the gateway now."""
        self._hint.set()

    async def emit(self, event: events.EngineEvent) -> None:
        """Tell an event, unless the session ended. The caller holds the lock."""
        if self.phase is not Phase.ENDED:
            self._opened.set()
            await self._sink(event)

    async def tell(self, event: events.EngineEvent) -> None:
        """Tell what happened besides the state, once the state was told.

        :raises EngineError: the session ended; the next connection has to tell it.
        """
        await self._opened.wait()
        async with self.lock:
            if self.phase is Phase.ENDED:
                raise EngineError("The connection has ended.", retryable=True)
            await self._sink(event)

    async def end(self, event: events.EngineEvent) -> None:
        """Tell the last event. The caller holds the lock."""
        await self.emit(event)
        if isinstance(event, events.LoggedOut):
            self.jid = ""
        self.phase = Phase.ENDED
        self._opened.set()
        self._hint.set()

    async def look(self) -> Status:
        """Ask the gateway, and tell what changed.

        Nobody else emits meanwhile: what was asked first would be told last.
        """
        async with self.lock:
            status = await self._calls.status()
            if self.phase is not Phase.ENDED:
                await self._learn(status)
            return status

    async def end_unless_up(self, event: events.EngineEvent) -> None:
        """Tell the last event, unless it is an old one: the device is connected after all."""
        async with self.lock:
            if not (await self._calls.status()).up:
                await self.end(event)

    async def degrade(self) -> None:
        """Tell that the stream does not answer. The caller holds the lock."""
        if self.phase is Phase.CONNECTED:
            self.phase = Phase.DEGRADED
            await self.emit(events.Degraded("WhatsApp does not answer."))

    async def restore(self) -> None:
        """Tell that it answers again, and ask. The caller holds the lock."""
        if self.phase is Phase.DEGRADED:
            await self._is_up(self.jid)
        self.look_soon()

    async def paired(self, jid: str) -> None:
        """Tell that a phone accepted the device; may repeat. The caller holds the lock."""
        if self.phase in {Phase.OPENING, Phase.PAIRING} and jid:
            self.phase, self.jid, self._misses = Phase.RESTARTING, jid, 0
            await self.emit(events.Paired(jid))
        self.look_soon()

    async def _learn(self, status: Status) -> None:
        if self._first_jid is None:
            self._first_jid = status.jid
        if status.up and self.phase is not Phase.DEGRADED:
            await self._is_up(status.jid or self.jid or await self._calls.own_jid())
        elif status.socket and not status.logged_in:
            await self._waits_for_login()
        elif not status.socket:
            await self._is_down(status.jid)

    async def _is_up(self, jid: str) -> None:
        self._misses, self._reopened = 0, False
        if self.phase is Phase.PAIRING:  # the webhook about the scan did not come
            await self.paired(jid)
        if self.phase is not Phase.CONNECTED:
            self.phase, self.jid = Phase.CONNECTED, jid
            await self.emit(events.Connected(jid))
            # The gateway says "available" by itself, and then the phone stays silent.
            with contextlib.suppress(EngineError):
                await self._calls.be_unavailable()

    async def _waits_for_login(self) -> None:
        """Show the code, if there is one: right after a connect there may be none yet."""
        picture = await self._calls.qr_picture()
        text = await asyncio.to_thread(qr.text_of, picture) if picture else ""
        if not text or self.phase is Phase.RESTARTING:
            await self._misses_again()
            return
        if self.phase in _STANDING or self.phase is Phase.BROKEN:
            await self.end(events.LoggedOut("The phone removed the device."))
            return
        self.phase, self._misses = Phase.PAIRING, 0
        if text != self._code and self.shows_codes:
            self._code, self._seq = text, self._seq + 1
            valid_for = FIRST_CODE if self._seq == 1 else NEXT_CODE
            await self.emit(events.ChallengeIssued(text, self._seq, valid_for))

    async def _is_down(self, jid: str) -> None:
        if self.phase is Phase.PAIRING and jid not in {"", self._first_jid}:
            await self.paired(jid)  # WhatsApp restarts the stream after a scan
        elif self.phase in _STANDING:
            self.phase = Phase.BROKEN
            await self.emit(events.Disconnected("The gateway lost the connection."))
            self.look_soon()
        elif self.phase is Phase.PAIRING and self._misses + 1 >= _POLLS_UNTIL_TIMED_OUT:
            await self.end(events.PairingTimedOut())
        else:
            await self._misses_again()

    async def _misses_again(self) -> None:
        """Wait; then have the gateway open a broken stream again, once; then give up."""
        self._misses += 1
        if self._misses < POLLS_UNTIL_RECONNECT:
            return
        if self.phase is Phase.BROKEN and not self._reopened:
            self._misses, self._reopened = 0, True
            await self._calls.connect()
            await self._calls.subscribe()
        else:
            pairing = self.phase is Phase.PAIRING
            await self.end(
                events.PairingTimedOut() if pairing else events.ConnectFailed("unreachable")
            )

    async def _guarded(self) -> None:
        try:
            await self._watch()
        except Exception:
            # The edge of the session: nobody waits for this task.
            logger.exception("Session's watch failed")
            async with self.lock:
                await self.end(events.ConnectFailed("engine_error"))

    async def _watch(self) -> None:
        """Ask again and again while the session is not up; then wait for hints."""
        while self.phase is not Phase.ENDED:
            self._hint.clear()
            pause = await self._looked()
            with contextlib.suppress(TimeoutError):
                stands = self.phase in _STANDING
                # Not `wait_for`, which until Python 3.12 may swallow a cancellation.
                async with asyncio.timeout(None if stands else pause):
                    await self._hint.wait()

    async def _looked(self) -> float:
        """Ask the gateway and tell what changed; return the seconds until the next time."""
        try:
            await self.look()
        except EngineError as error:
            logger.info("Gateway not asked", extra={"code": error.code})
            if not error.retryable:
                async with self.lock:
                    await self.end(events.ConnectFailed("engine_error", str(error)))
            return self._poll_seconds * _SLOWER
        return self._poll_seconds
