"""What a caller asks of one session in a gateway."""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sessions_app.engines import events
from sessions_app.engines.answers import PairingCode, SendResult
from sessions_app.engines.base import Connection, EngineError
from sessions_app.engines.outgoing import OutgoingMedia, OutgoingText
from sessions_app.engines.wuzapi import errors, sends, translate
from sessions_app.engines.wuzapi import json as read
from sessions_app.engines.wuzapi.hints import Hints
from sessions_app.engines.wuzapi.lookups import Lookups
from sessions_app.engines.wuzapi.stream import Phase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sessions_app.engines.answers import LiveStatus, NumberCheck
    from sessions_app.engines.base import Options
    from sessions_app.engines.outgoing import Outgoing
    from sessions_app.engines.wuzapi.client import Pool
    from sessions_app.engines.wuzapi.session import SessionCalls
    from sessions_app.engines.wuzapi.stream import Stream

logger = logging.getLogger(__name__)

CODE_VALID_FOR = timedelta(seconds=160)  # as long as all QR codes of an attempt together
_FILE_PATIENCE = 6.0  # times the usual time-out: a file goes up to WhatsApp before the answer


class WuzapiConnection(Connection):
    """One session. The gateway keeps the stream, also while we are away."""

    def __init__(
        self, calls: SessionCalls, stream: Stream, pool: Pool, options: Options
    ) -> None:
        self._calls = calls
        self._stream = stream
        self._pool = pool
        self._options = options
        self._hints = Hints(stream)
        self._lookups = Lookups(calls)
        self._closed = False
        self._unlinked = False

    async def send(self, message: Outgoing) -> SendResult:
        """Send a message. Repeating any of them is safe (`sends.request_for`)."""
        self._require_connected()
        path, body = sends.request_for(message)
        patience = _FILE_PATIENCE if isinstance(message, OutgoingMedia) else 1.0
        await self._show_typing(message)
        try:
            answer = await self._calls.ask("POST", path, body, patience=patience)
        except EngineError as error:
            if error.code == errors.RESTRICTED:
                with contextlib.suppress(EngineError):  # it may have ended meanwhile
                    await self._stream.tell(events.Restricted())
            raise
        sent_at = read.moment(answer, "Timestamp") or datetime.now(UTC)
        return SendResult(wa_id=message.message_id, sent_at=sent_at)

    async def contacts(self, *, page_size: int) -> AsyncIterator[list[events.ContactEntry]]:
        """Yield the whole address book in pages of at most `page_size`."""
        if page_size < 1:
            raise EngineError("A page of contacts must hold at least one.")
        self._require_connected()
        entries = await self._lookups.contacts()
        for start in range(0, len(entries), page_size):
            yield entries[start : start + page_size]

    async def check_numbers(self, phones: Sequence[str]) -> list[NumberCheck]:
        """Look phone numbers up."""
        self._require_connected()
        return await self._lookups.numbers(phones)

    async def fetch_media(self, reference: dict[str, Any], *, max_bytes: int) -> bytes:
        """Have the gateway download and decrypt a file."""
        self._require_connected()
        return await self._lookups.file(reference, max_bytes=max_bytes)

    async def act(self, action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Refuse: there is nothing that only this engine knows."""
        raise EngineError("The engine knows no such action.")

    async def status(self) -> LiveStatus:
        """Ask the gateway; what changed is told as well."""
        self._require_open()
        return (await self._stream.look()).live

    def configure(self, options: Options) -> None:
        """Take options that changed."""
        self._options = options

    async def pair_with_code(self, phone: str) -> PairingCode:
        """Ask for a code to type into the phone, while the gateway shows QR codes."""
        self._require_open()
        answer = await self._calls.ask("POST", "/session/pairphone", {"Phone": phone})
        if not (code := read.text(answer, "LinkingCode")):
            raise EngineError("The gateway gave no code.", retryable=True)
        self._stream.shows_codes = False
        return PairingCode(code, CODE_VALID_FOR)

    async def hear(self, payload: dict[str, Any]) -> None:
        """Take what the gateway posted. A repetition tells nothing new.

        :raises EngineError: the gateway has to be asked about it, and does not answer.
        """
        self._require_open()
        if await self._hints.take(payload):
            return
        for event in translate.traffic(payload, own_jid=self._stream.jid):
            await self._stream.tell(event)
            if isinstance(event, events.MessageReceived):
                await self._read(event)

    async def logout(self) -> None:
        """Unlink the device; emit nothing more. Safe to repeat.

        :raises EngineError: the device has no stream now, so WhatsApp can't be told.
        """
        if self._unlinked:
            return
        self._require_open()
        try:
            await self._calls.logout()
        except EngineError as error:
            if error.code not in errors.STREAM_IS_DOWN or not self._stream.unlinked:
                raise
        self._unlinked = True
        await self._stream.stop()

    async def close(self) -> None:
        """Have the gateway drop the stream, and stop emitting.

        A gateway that does not answer may go on; its survey shows the session as connected.
        """
        if self._closed:
            return
        self._closed = True
        try:
            await self._stream.stop()
            await self._calls.disconnect()
        except EngineError as error:
            logger.warning("Session not disconnected", extra={"code": error.code})
        finally:
            await self._pool.leave()

    async def leave(self) -> None:
        """Stop emitting; the gateway keeps the stream for whoever connects next."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._stream.stop()
        finally:
            await self._pool.leave()

    def _require_open(self) -> None:
        if self._closed:
            raise EngineError("The connection is closed.", retryable=True)

    def _require_connected(self) -> None:
        self._require_open()
        if self._stream.phase not in {Phase.CONNECTED, Phase.DEGRADED}:
            raise EngineError(
                "The session is not connected.", retryable=True, code=errors.NOT_CONNECTED
            )

    async def _show_typing(self, message: Outgoing) -> None:
        """Show that the session types. A courtesy: no message fails for it."""
        if not self._options.typing or not isinstance(message, OutgoingText | OutgoingMedia):
            return
        body = {"Phone": message.to, "State": "composing", "Media": ""}
        if await self._succeeds("/chat/presence", body):
            await self._stream.tell(events.TypingShown(message.to))

    async def _read(self, message: events.MessageReceived) -> None:
        """Tell the sender that a message was read, when the session does so by itself."""
        if not self._options.auto_read or message.from_me or message.undecryptable:
            return
        body = {
            "Id": [message.wa_id],
            "ChatPhone": message.chat,
            "SenderPhone": message.sender,
        }
        if await self._succeeds("/chat/markread", body):
            read_now = events.MessagesRead(message.chat, (message.wa_id,), datetime.now(UTC))
            await self._stream.tell(read_now)

    async def _succeeds(self, path: str, body: dict[str, Any]) -> bool:
        try:
            await self._calls.ask("POST", path, body)
        except EngineError as error:
            logger.info("Courtesy refused", extra={"code": error.code})
            return False
        return True
