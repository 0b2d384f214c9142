"""What a caller asks of one session that neonize runs."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sessions_app.engines import events
from sessions_app.engines.answers import LiveStatus, NumberCheck, PairingCode, SendResult
from sessions_app.engines.base import Connection, EngineError
from sessions_app.engines.neonize import requests
from sessions_app.engines.neonize.keeper import Keeper
from sessions_app.engines.neonize.process import HostGone
from sessions_app.engines.outgoing import OutgoingMedia

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from sessions_app.engines.base import EventSink, Options, SessionRef
    from sessions_app.engines.events import EngineEvent
    from sessions_app.engines.neonize.process import HostCommand, Patience
    from sessions_app.engines.outgoing import Outgoing

# whatsmeow waits 75 s for WhatsApp's answer to a message.
_SEND_SECONDS = 75.0
_ANSWER_SECONDS = 30.0
_STATUS_SECONDS = 10.0
_FILE_SECONDS = 300.0
_CODE_VALID_FOR = timedelta(seconds=160)  # as long as whatsmeow shows codes
_UNREAD_LIMIT = 1000  # messages that wait to be marked as read; older ones stay unread


class NeonizeConnection(Connection):
    """One session's connection; its host comes and goes behind it. Made by the engine."""

    def __init__(
        self,
        ref: SessionRef,
        sink: EventSink,
        *,
        command: HostCommand,
        start: dict[str, Any],
        patience: Patience,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        self._sink = sink
        self._options = ref.options
        self._closed = self._logged_out = False
        self._unread: list[events.MessageReceived] = []
        self._keeper = Keeper(command, start, sink, patience, prepare=prepare, kept=self._react)
        self._keeper.begin()

    async def send(self, message: Outgoing) -> SendResult:
        """Hand a message to WhatsApp's server. Its outcome is unknown when the host dies."""
        self._require_connected()
        await self._show_typing(message.to)
        uploaded = await self._upload(message) if isinstance(message, OutgoingMedia) else {}
        request = requests.of(message) | uploaded
        try:
            answer = await self._keeper.call(
                "send", {"message": request}, seconds=_SEND_SECONDS
            )
        except HostGone as error:
            raise EngineError(str(error), outcome_unknown=True) from None
        return SendResult(answer["wa_id"], datetime.fromisoformat(answer["sent_at"]))

    async def contacts(self, *, page_size: int) -> AsyncIterator[list[events.ContactEntry]]:
        """Yield the address book, as far as WhatsApp and the messages so far told it."""
        if page_size < 1:
            raise EngineError("A page of contacts must hold at least one.")
        rows = await self._ask("contacts", {})
        for start in range(0, len(rows), page_size):
            yield [events.ContactEntry(**row) for row in rows[start : start + page_size]]

    async def act(self, action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Refuse: whatever this engine knows has a method."""
        raise EngineError(f"The engine does not know the action {action!r}.")

    async def status(self) -> LiveStatus:
        """Ask the host, which asks its client."""
        answer = await self._ask("status", {}, seconds=_STATUS_SECONDS)
        return LiveStatus(answer["connected"], answer["linked"], self._keeper.jid)

    def configure(self, options: Options) -> None:
        """Take options that changed."""
        self._options = options

    async def logout(self) -> None:
        """Unlink the device and forget its keys. Safe to repeat.

        :raises EngineError: it is linked, but not connected.
        """
        if self._logged_out or not (await self.status()).linked:
            return
        await self._ask("logout", {})
        self._logged_out = True
        await self._keeper.stop()

    async def close(self) -> None:
        """Emit nothing more and end the host; the device stays linked. Safe to repeat."""
        self._closed = True
        await self._keeper.stop()

    async def pair_with_code(self, phone: str) -> PairingCode:
        """Ask for a code; the host must show QR codes already."""
        answer = await self._ask("pair_code", {"phone": phone})
        return PairingCode(answer["code"], _CODE_VALID_FOR)

    async def check_numbers(self, phones: Sequence[str]) -> list[NumberCheck]:
        """Look phone numbers up.

        :raises EngineError: WhatsApp answered for other numbers, or for none.
        """
        if not phones:
            return []
        rows = await self._ask("check_numbers", {"phones": list(phones)})
        found = {row["phone"]: NumberCheck(**row) for row in rows}
        if any(phone not in found for phone in phones):
            raise EngineError("WhatsApp did not answer for every number.", retryable=True)
        return [found[phone] for phone in phones]

    async def fetch_media(self, reference: dict[str, Any], *, max_bytes: int) -> bytes:
        """Download and decrypt a file; it is held in memory, in the host and here."""
        if reference.get("length", 0) > max_bytes:
            raise EngineError(f"The file is larger than {max_bytes} bytes.")
        args = {"reference": reference, "max_bytes": max_bytes}
        answer = await self._ask("download", args, seconds=_FILE_SECONDS)
        return base64.b64decode(answer["data"])

    # -- by itself ------------------------------------------------------------------------

    async def _react(self, kept: list[EngineEvent]) -> None:
        """Mark messages as read once the database has them."""
        if not self._options.auto_read:
            self._unread.clear()
            return
        self._unread += _unread_in(kept)
        del self._unread[:-_UNREAD_LIMIT]
        while self._unread and self._keeper.connected:
            first = self._unread[0]
            same = [one for one in self._unread if _writer(one) == _writer(first)]
            wa_ids = tuple(one.wa_id for one in same)
            args = {"wa_ids": wa_ids, "chat": first.chat, "sender": first.sender}
            try:
                await self._keeper.call("mark_read", args, seconds=_ANSWER_SECONDS)
            except EngineError:
                return  # with the next message, or the next connection
            self._unread = [one for one in self._unread if _writer(one) != _writer(first)]
            await self._keeper.emit(events.MessagesRead(first.chat, wa_ids, datetime.now(UTC)))

    async def _show_typing(self, chat: str) -> None:
        if not self._options.typing:
            return
        try:
            await self._keeper.call("typing", {"chat": chat}, seconds=_ANSWER_SECONDS)
        except EngineError:
            return  # a courtesy, which must not keep the message
        await self._keeper.emit(events.TypingShown(chat))

    async def _upload(self, message: OutgoingMedia) -> dict[str, Any]:
        data = await asyncio.to_thread(base64.b64encode, message.data)
        args = {"media": str(message.kind), "data": data.decode()}
        uploaded: dict[str, Any] = await self._ask("upload", args, seconds=_FILE_SECONDS)
        return uploaded

    async def _ask(
        self, op: str, args: dict[str, Any], *, seconds: float = _ANSWER_SECONDS
    ) -> Any:
        self._require_open()
        return await self._keeper.call(op, args, seconds=seconds)

    def _require_open(self) -> None:
        if self._closed:
            raise EngineError("The connection is closed.", retryable=True)

    def _require_connected(self) -> None:
        self._require_open()
        if not self._keeper.connected:
            raise EngineError("The session is not connected.", retryable=True)


def _unread_in(kept: list[EngineEvent]) -> list[events.MessageReceived]:
    messages = [event for event in kept if isinstance(event, events.MessageReceived)]
    return [one for one in messages if not one.from_me and not one.undecryptable]


def _writer(message: events.MessageReceived) -> tuple[str, str]:
    return message.chat, message.sender
