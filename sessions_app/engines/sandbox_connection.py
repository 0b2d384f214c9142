"""What a caller asks of one stream of the sandbox."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sessions_app.engines import events, sandbox_actions, sandbox_people
from sessions_app.engines.base import Connection, EngineError, SendResult
from sessions_app.engines.sandbox_stream import Stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sessions_app.engines.base import EventSink, Options, OutgoingText, SessionRef
    from sessions_app.engines.sandbox_hub import Hub
    from sessions_app.engines.sandbox_world import Fault

# Waits at speed 1.
DROP_SECONDS = 1.0  # from a broken stream until the next one is up
RESTART_SECONDS = 0.2  # the same, when the server asked for it


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
        stream = Stream(hub, device, sink, epoch=ref.epoch, speed=speed)
        stream.options = ref.options
        await stream.start()
        return cls(hub, stream, faults)

    async def send(self, message: OutgoingText) -> SendResult:
        """Bring a text into the world. A repeated message id is the same message."""
        self._require_open()
        self._stream.require_connected()
        parts = (message.message_id, message.to, message.text)
        if not all(map(sandbox_actions.storable, parts)):
            raise EngineError("The message contains characters that can't be sent.")
        fault = await self._next_fault()
        if fault == "send_failed":
            raise EngineError("WhatsApp refused the message (simulated).")
        if fault == "send_retry":
            raise EngineError("WhatsApp is busy (simulated).", retryable=True)
        await self._stream.show_typing(message.to)
        taken = await self._hub.take(self._stream.device, message)
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
        for page in sandbox_people.contacts(
            device.session_id, count=device.contacts_count, page_size=page_size
        ):
            yield page
            await asyncio.sleep(0)  # a long book must not hold up the loop
            self._stream.require_connected()

    async def act(self, action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Play the other side; `sandbox_actions` says what there is.

        An `inbound` that a connected device gets is with the sink when this returns.
        """
        self._require_open()
        match sandbox_actions.parse(action, arguments):
            case sandbox_actions.Scan() as scan:
                await self._stream.pair(scan)
                device = self._stream.device
                return {"jid": device.jid, "push_name": device.push_name}
            case sandbox_actions.Inbound(first_id, messages):
                connected = await self._stream.receive(messages)
                return {"id": first_id, "count": len(messages), "queued": not connected}
            case sandbox_actions.Presence(chat, state):
                self._stream.require_connected()
                await self._stream.show([events.PresenceChanged(chat, state)])
                return {"from": chat, "state": state}
            case sandbox_actions.Trouble() as trouble:
                return await self._go_wrong(trouble)

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
        if not self._closed:
            self._closed = True
            await self._stream.stop()
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

    async def _go_wrong(self, trouble: sandbox_actions.Trouble) -> dict[str, Any]:
        if trouble.kind in sandbox_actions.SEND_FAULTS:
            session_id = self._stream.device.session_id
            self._faults.append(await self._hub.world.arm(session_id, trouble.kind))
        else:
            self._stream.require_connected()
            await self._break_stream(trouble)
        return {"kind": trouble.kind}

    async def _break_stream(self, trouble: sandbox_actions.Trouble) -> None:
        device = self._stream.device
        match trouble.kind:
            case "drop":
                self._stream.break_off("The socket closed (simulated).", DROP_SECONDS)
            case "restart":
                self._stream.break_off("Stream error 515: restart.", RESTART_SECONDS)
            case "replaced":
                self._stream.finish(events.Replaced())
            case "logged_out":
                await self._hub.world.unlink(device)
                self._stream.device = replace(device, jid="")
                self._stream.finish(events.LoggedOut("The phone removed the device."))
            case "temp_ban":
                until = await self._hub.world.ban(
                    device, code=trouble.code, seconds=trouble.seconds
                )
                self._stream.ban(trouble.code, until)
