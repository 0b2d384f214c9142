"""One session in its host: what WhatsApp says goes up, what the runner asks goes down."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections import deque
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neonize._binder import ProxySettings

from sessions_app import jids
from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.neonize import client, frames, packing, states, store, translate
from sessions_app.engines.neonize.calls import Calls, plain
from sessions_app.engines.neonize.spool import Entry, Spool
from sessions_app.engines.neonize.states import HostState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions_app.engines.events import EngineEvent
    from sessions_app.engines.neonize.frames import Frame

_FIRST_CODE_SECONDS, _CODE_SECONDS = 60, 20  # whatsmeow shows six codes: 160 s in all
_RETRY_SECONDS = 1.0  # while the disk or the device store can't take what has to be kept
_WINDOW = 256  # entries that the runner may have and not yet have acknowledged
_BACKLOG = 1000  # waiting entries, above which nobody needs to hear who is typing
_QUIET_SECONDS = 0.3  # without news after hanging up: the library has no more
_KNOWN_PEOPLE = 10_000  # pairs of LID and phone number that are not told twice


class HostedSession:
    """The client, its spool and the runner's end of the socket."""

    def __init__(self, start: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        self._session_id: str = start["session_id"]
        self._dsn: str = start["dsn"]
        self._proxy: str = start["proxy"]
        self._device_name: str = start["device_name"]
        self._spool = Spool(Path(start["spool"]))
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._entries: deque[Entry] = deque()
        self._ready = asyncio.Event()
        self._sent: deque[int] = deque()
        self._opened = self._leaving = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._state = HostState.NEW
        self._codes = 0
        self._heard_at = time.monotonic()
        self._own = ""
        self._told: set[EngineEvent] = set()

    async def start(self) -> None:
        """Take over what an earlier host left, and connect."""
        client.quiet()
        client.enlarge(self._loop)
        self._entries.extend(await asyncio.to_thread(self._spool.open))
        device = await asyncio.to_thread(store.device_of, self._dsn, self._session_id)
        self._own = jids.normalize(device) if device else ""
        self._client = client.Client(
            store.address_for_whatsmeow(self._dsn),
            self._session_id,
            device=device,
            device_name=self._device_name,
            hear=self._hear,
        )
        self._calls = Calls(
            self._client, dsn=self._dsn, session_id=self._session_id, linked=bool(device)
        )
        proxy = ProxySettings(proxy_address=self._proxy) if self._proxy else None
        running = await self._client.connect(proxy)
        self._do(self._watch(running))
        self._do(self._pump())

    def obey(self, frame: Frame) -> None:
        """Take a frame of the runner."""
        if "ack" in frame:
            self._acknowledge(frame["ack"])
        elif "ping" in frame:
            self._do(self._answer_ping(frame["ping"]))
        elif "op" in frame:
            self._do(self._answer(frame["id"], frame["op"], frame.get("args", {})))

    async def leave(self) -> None:
        """Hang up, and keep what had come by then: nobody is there to hear it.

        WhatsApp has the library's acknowledgment of what the library still works on.
        """
        self._leaving = True
        with contextlib.suppress(Exception):  # whatever it is, the process ends next
            await self._calls.run("disconnect", {}, self._state)
        self._heard_at = time.monotonic()
        while time.monotonic() - self._heard_at < _QUIET_SECONDS:  # noqa: ASYNC110 (Go sets it)
            await asyncio.sleep(_QUIET_SECONDS / 4)

    # -- in Go's threads ------------------------------------------------------------------

    def _hear(self, code: int, data: bytes) -> None:
        """Keep what WhatsApp said; Go and its stream wait until that is done."""
        if code == translate.PAIR_STATUS:
            self._own_device(data)
        # A later host has no use for the rest.
        kept = code in translate.TRAFFIC
        entry = self._keep(code, data) if kept else Entry(0, code, data)
        self._heard_at = time.monotonic()
        self._loop.call_soon_threadsafe(self._enqueue, entry)

    def _keep(self, code: int, data: bytes) -> Entry:
        while True:
            try:
                return self._spool.append(code, data)
            except OSError:
                time.sleep(_RETRY_SECONDS)  # a full disk: as a full spool, WhatsApp waits

    def _own_device(self, data: bytes) -> None:
        """Note whose device this is before anybody hears of it."""
        device = client.device_jid(translate.event_of(translate.PAIR_STATUS, data))
        while device:
            try:
                store.remember(self._dsn, self._session_id, device)
            except EngineError:
                time.sleep(_RETRY_SECONDS)
            else:
                self._own = jids.normalize(device)
                return

    # -- up -------------------------------------------------------------------------------

    def _enqueue(self, entry: Entry) -> None:
        if entry.seq or self._opened:
            if entry.code not in translate.FLEETING or len(self._entries) < _BACKLOG:
                self._entries.append(entry)
        else:  # what the session is comes before what it missed and what was left over
            self._opened = True
            self._entries.appendleft(entry)
        self._ready.set()

    async def _pump(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._opened and self._entries and len(self._sent) < _WINDOW:
                entry = self._entries.popleft()
                if entry.seq:
                    self._sent.append(entry.seq)
                await self._emit(entry)

    async def _emit(self, entry: Entry) -> None:
        if self._leaving and not entry.seq:
            return
        found = list(self._new(self._read(entry)))
        for event in found:
            self._state = states.after(self._state, event)
            self._follow(event)
        packed = [packing.pack(event) for event in found] or [("", {})]
        for number, (kind, data) in enumerate(packed, start=1):
            more = number < len(packed)
            self._write({"seq": entry.seq, "type": kind, "data": data, "more": more})
            await self._writer.drain()

    def _follow(self, event: EngineEvent) -> None:
        match event:
            case events.Connected():
                self._do(self._calls.hide())
            case events.Paired():
                self._calls.linked = True
            case events.LoggedOut():
                self._calls.linked = False

    def _read(self, entry: Entry) -> list[EngineEvent]:
        if entry.code == client.QR_CODE:
            return [self._challenge(entry.data.decode())]
        if entry.code == client.LOGIN_STATUS:
            return translate.login_status(entry.data.decode())
        try:
            event = translate.event_of(entry.code, entry.data)
            return translate.translate(event, own=self._own)
        except Exception as error:  # noqa: BLE001 (strangers write these; it would come again)
            print("Unreadable event", entry.code, type(error).__name__, file=sys.stderr)  # noqa: T201
            return []

    def _challenge(self, text: str) -> events.ChallengeIssued:
        self._codes += 1
        seconds = _FIRST_CODE_SECONDS if self._codes == 1 else _CODE_SECONDS
        return events.ChallengeIssued(text, self._codes, timedelta(seconds=seconds))

    def _new(self, found: list[EngineEvent]) -> Iterator[EngineEvent]:
        """Leave out who is who, where it was told before: every message says it."""
        for event in found:
            if isinstance(event, events.IdentityMapped):
                if event in self._told:
                    continue
                if len(self._told) >= _KNOWN_PEOPLE:
                    self._told.clear()
                self._told.add(event)
            yield event

    async def _watch(self, running: asyncio.Task[None]) -> None:
        """Tell the runner when the client could not even start."""
        await asyncio.wait([running])
        error = running.exception()
        if self._state is not HostState.ENDED and not self._leaving:
            self._write({"failed": plain(error) if error else "the client stopped"})

    def _acknowledge(self, seq: int) -> None:
        while self._sent and self._sent[0] <= seq:
            self._sent.popleft()
        self._spool.ack(seq)
        self._ready.set()

    # -- down -----------------------------------------------------------------------------

    async def _answer(self, number: int, op: str, args: dict[str, Any]) -> None:
        if op == "logout":
            self._leaving = True  # from here on the stream's end is no news
        try:
            self._write({"id": number, "ok": await self._carry_out(op, args)})
        except Exception as error:  # noqa: BLE001 (the edge of the process)
            if op == "logout":
                self._leaving = False
            self._write({"id": number, "err": _failure(op, error)})

    async def _carry_out(self, op: str, args: dict[str, Any]) -> Any:
        if op == "leave":
            return await self.leave()
        return await self._calls.run(op, args, self._state)

    async def _answer_ping(self, number: int) -> None:
        if self._state in states.ANSWERING:
            await self._client.is_connected  # goes through neonize and Go
        self._write({"pong": number})

    def _write(self, frame: Frame) -> None:
        if not self._writer.is_closing():
            self._writer.write(frames.encode(frame))

    def _do(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        # A broken socket is the end of the runner, which `leave` follows.
        if failure is not None and not isinstance(failure, ConnectionError):
            print("Host task failed", type(failure).__name__, file=sys.stderr)  # noqa: T201
            os._exit(70)


def _failure(op: str, error: Exception) -> dict[str, Any]:
    if not isinstance(error, EngineError):  # its text may hold anything
        said = f"The host failed ({type(error).__name__})."
        error = EngineError(said, outcome_unknown=op == "send")  # before or after it left
    return {
        "message": str(error),
        "retryable": error.retryable,
        "outcome_unknown": error.outcome_unknown,
        "code": error.code,
    }
