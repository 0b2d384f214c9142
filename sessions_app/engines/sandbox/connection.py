"""What a caller asks of one stream of the sandbox."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sessions_app.engines import events
from sessions_app.engines.answers import LiveStatus, NumberCheck, PairingCode, SendResult
from sessions_app.engines.base import Connection, EngineError
from sessions_app.engines.sandbox import actions, people
from sessions_app.engines.sandbox import arguments as sandbox_arguments
from sessions_app.engines.sandbox import trouble as sandbox_trouble
from sessions_app.engines.sandbox.outgoing import taken_apart
from sessions_app.engines.sandbox.stream import Stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sessions_app.engines.base import EventSink, Options, SessionRef
    from sessions_app.engines.outgoing import Outgoing
    from sessions_app.engines.sandbox.hub import Hub
    from sessions_app.engines.sandbox.world import Fault


class SandboxConnection(Connection):
    """One stream, and the faults that wait for its sends. Made by `open`."""

    def __init__(self, hub: Hub, stream: Stream, faults: list[Fault]) -> None:
        self._hub = hub
        self._stream = stream
        self._faults = deque(faults)
        self._closed = False

    @classmethod
    async def open(
        cls, hub: Hub, ref: SessionRef, sink: EventSink, *, speed: float
    ) -> SandboxConnection:
        """Open the device's newest stream and start to emit.

        :raises EngineError: nobody provisioned this session, or the database failed.
        """
        device = await hub.world.open_stream(ref)
        faults = await hub.world.armed(ref.session_id)
        armed = [fault for fault in faults if fault.kind == actions.PAIRING_FAULT]
        stream = Stream(hub, device, sink, epoch=ref.epoch, speed=speed, passkey=bool(armed))
        stream.options = ref.options
        await stream.start()
        return cls(hub, stream, [fault for fault in faults if fault not in armed])

    async def send(self, message: Outgoing) -> SendResult:
        """Bring a message into the world. A repeated message id is the same message."""
        self._require_open()
        self._stream.require_connected()
        text, detail = taken_apart(message)
        parts = (text.message_id, text.to, text.text)
        if not all(map(sandbox_arguments.storable, parts)):
            raise EngineError("The message contains characters that can't be sent.")
        fault = await self._next_fault()
        if fault == "send_failed":
            raise EngineError("WhatsApp refused the message (simulated).")
        if fault == "send_restricted":
            await self._stream.show([events.Restricted()])
            raise EngineError("WhatsApp refuses new chats (simulated).", code="463")
        if fault == "send_retry":
            raise EngineError("WhatsApp is busy (simulated).", retryable=True)
        await self._stream.show_typing(message.to)
        if detail is not None:
            session_id = self._stream.device.session_id
            await self._hub.world.describe(session_id, message.message_id, detail)
        taken = await self._hub.take(self._stream.device, text)
        if fault == "send_unknown":
            raise EngineError("WhatsApp did not answer (simulated).", outcome_unknown=True)
        return SendResult(wa_id=message.message_id, sent_at=taken.taken_at)

    async def contacts(self, *, page_size: int) -> AsyncIterator[list[events.ContactEntry]]:
        """Yield the whole address book in pages of at most `page_size`."""
        if page_size < 1:
            raise EngineError("A page of contacts must hold at least one.")
        self._require_open()
        self._stream.require_connected()
        device = self._stream.device
        for page in people.contacts(
            device.session_id, count=device.contacts_count, page_size=page_size
        ):
            yield page
            await asyncio.sleep(0)  # a long book must not hold up the loop
            self._stream.require_connected()

    async def act(self, action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Play the other side; `actions` says what there is.

        An `inbound` that a connected device gets is with the sink when this returns.
        """
        self._require_open()
        match actions.parse(action, arguments):
            case actions.Scan() as scan:
                return await self._scan(scan)
            case actions.Inbound(first_id, messages):
                connected = await self._stream.receive(messages)
                return {"id": first_id, "count": len(messages), "queued": not connected}
            case actions.Shown(event, answer):
                self._stream.require_connected()
                await self._stream.show([event])
                return answer
            case actions.Trouble() as trouble:
                return await self._go_wrong(trouble)

    async def status(self) -> LiveStatus:
        """Ask the simulated server."""
        self._require_open()
        stream = self._stream
        jid = stream.device.jid
        up = stream.is_connected() and not stream.silent
        return LiveStatus(connected=up, linked=bool(jid), jid=jid)

    async def pair_with_code(self, phone: str) -> PairingCode:
        """Make a code to type; a `scan` then stands for typing it on that phone.

        :raises EngineError: the device does not wait to be linked now.
        """
        self._require_open()
        return self._stream.pairing.offer_code(phone)

    async def answer_passkey(self, response: dict[str, Any]) -> None:
        """Take an assertion.

        :raises EngineError: none is wanted, or it is empty.
        """
        self._require_open()
        self._stream.pairing.answer_passkey(response)

    async def confirm_passkey(self, code: str) -> None:
        """Link the device.

        :raises EngineError: there is nothing to confirm, or it is another code.
        """
        self._require_open()
        await self._stream.pairing.confirm_passkey(code)

    async def fetch_media(self, reference: dict[str, Any], *, max_bytes: int) -> bytes:
        """Return the picture that an `image` had.

        :raises EngineError: it is larger, or nobody ever sent it.
        """
        self._require_open()
        if not reference.get("picture"):
            raise EngineError("WhatsApp has no such file.", code="media_gone")
        picture = people.picture(str(reference["picture"]))
        if len(picture) > max_bytes:
            raise EngineError("The file is larger than allowed.")
        return picture

    async def check_numbers(self, phones: Sequence[str]) -> list[NumberCheck]:
        """Look numbers up; those that end in 9 have no WhatsApp."""
        self._require_open()
        self._stream.require_connected()
        return [people.number_check(phone) for phone in phones]

    def configure(self, options: Options) -> None:
        """Take options that changed."""
        self._stream.options = options

    async def logout(self) -> None:
        """Unlink the device; emit nothing more. Safe to repeat.

        :raises EngineError: another stream has the device by now.
        """
        if self._closed and not self._stream.device.jid:
            return
        self._require_open()
        await self._hub.world.unlink(self._stream.device)
        self._stream.device = replace(self._stream.device, jid="")
        await self._stream.stop()

    async def close(self) -> None:
        """Emit nothing more; the device stays linked. Safe to repeat and within the sink."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._stream.stop()
        finally:
            await self._hub.leave(self._stream.device)

    def _require_open(self) -> None:
        if self._closed:
            raise EngineError("The connection is closed.", retryable=True)

    async def _next_fault(self) -> str:
        if not self._faults:
            return ""
        fault = self._faults.popleft()
        await self._hub.world.disarm(self._stream.device.session_id, fault)
        return fault.kind

    async def _scan(self, scan: actions.Scan) -> dict[str, Any]:
        asked = self._stream.pairing.wants_passkey
        await self._stream.pairing.scan(scan)
        device = self._stream.device
        if asked:
            await self._disarm_passkey()
        return {"jid": device.jid, "push_name": device.push_name}

    async def _disarm_passkey(self) -> None:
        world, session_id = self._hub.world, self._stream.device.session_id
        for fault in await world.armed(session_id):
            if fault.kind == actions.PAIRING_FAULT:
                await world.disarm(session_id, fault)

    async def _go_wrong(self, trouble: actions.Trouble) -> dict[str, Any]:
        if trouble.kind in actions.SEND_FAULTS:
            session_id = self._stream.device.session_id
            self._faults.append(await self._hub.world.arm(session_id, trouble.kind))
        else:
            await sandbox_trouble.strike(trouble, self._stream)
        return {"kind": trouble.kind}
