"""What a runner asks of a session's client, operation by operation. Only in a host."""

from __future__ import annotations

import asyncio
import base64
import re
from typing import TYPE_CHECKING, Any

from neonize.exc import DownloadError, NeonizeError
from neonize.utils.enum import ChatPresence, ChatPresenceMedia, Presence, ReceiptType

from sessions_app import jids
from sessions_app.engines.base import EngineError
from sessions_app.engines.neonize import content, outgoing, states, store
from sessions_app.engines.neonize.inbound import jid_of, moment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sessions_app.engines.neonize.client import Client
    from sessions_app.engines.neonize.states import HostState

_SERVER_ERROR = re.compile(r"server returned error (\d+)")
# whatsmeow's words for failures before a message left.
_NOT_HANDED_OVER = re.compile(
    r"not connected|not logged in|usync|device list|prekey|failed to get|failed to encrypt"
    r"|info query|recipient"
)
_ADDRESS = re.compile(r"[\w+.-]+://\S+")
_TEXT_LIMIT = 200  # characters of an error that staff get to see
_GONE = re.compile(r"\b(403|404|410)\b|no longer|not found")


class Calls:
    """One client's operations; which of them are safe, the state says."""

    def __init__(self, client: Client, *, dsn: str, session_id: str, linked: bool) -> None:
        self.linked = linked  # the store has a device that WhatsApp took
        self._client = client
        self._dsn = dsn
        self._session_id = session_id
        self._operations: dict[str, Callable[..., Awaitable[Any]]] = {
            "pair_code": self._pair_code,
            "send": self._send,
            "upload": self._upload,
            "download": self._download,
            "mark_read": self._mark_read,
            "typing": self._typing,
            "contacts": self._contacts,
            "check_numbers": self._check_numbers,
            "disconnect": self._disconnect,
            "logout": self._logout,
        }

    async def run(self, op: str, args: dict[str, Any], state: HostState) -> Any:
        """Do what the runner asks and return the answer as JSON.

        :raises EngineError: it can't be done now, or WhatsApp refused.
        """
        states.require(op, state)
        if op == "status":
            return await self.status(state)
        try:
            return await self._operations[op](**args)
        except NeonizeError as error:
            raise _refusal(op, error) from None

    async def status(self, state: HostState) -> dict[str, bool]:
        """Ask the stream itself, where that is safe."""
        if state not in states.ANSWERING:
            return {"connected": False, "linked": self.linked}
        connected = await self._client.is_connected and await self._client.is_logged_in
        return {"connected": bool(connected), "linked": self.linked}

    async def hide(self) -> None:
        """Appear offline, so that the phone goes on to notify its owner."""
        try:
            await self._client.send_presence(Presence.UNAVAILABLE)
        except NeonizeError:
            return  # the account has no name yet: it was never shown as online either

    async def _pair_code(self, phone: str) -> dict[str, str]:
        return {"code": await self._client.PairPhone(phone, show_push_notification=True)}

    async def _send(self, message: dict[str, Any]) -> dict[str, Any]:
        sent = await self._client.send_message(
            outgoing.jid(message["to"]), outgoing.build(message)
        )
        return {"wa_id": sent.ID, "sent_at": moment(sent.Timestamp).isoformat()}

    async def _upload(self, media: str, data: str) -> dict[str, str]:
        raw = base64.b64decode(data)
        uploaded = await self._client.upload(raw, outgoing.UPLOADS[media])
        small = b""
        if media == "image":
            small = await asyncio.to_thread(outgoing.thumbnail, raw)
        return {
            "uploaded": base64.b64encode(uploaded.SerializeToString()).decode(),
            "thumbnail": base64.b64encode(small).decode(),
        }

    async def _download(self, reference: dict[str, Any], max_bytes: int) -> dict[str, str]:
        try:
            message = content.to_download(reference)
        except (ValueError, KeyError, TypeError):
            raise EngineError("This is not a reference to a file.") from None
        data = await self._client.download_any(message)
        if len(data) > max_bytes:
            raise EngineError(f"The file is larger than {max_bytes} bytes.")
        return {"data": base64.b64encode(data).decode()}

    async def _mark_read(self, wa_ids: list[str], chat: str, sender: str) -> None:
        await self._client.mark_read(
            *wa_ids,
            chat=outgoing.jid(chat),
            sender=outgoing.jid(sender),
            receipt=ReceiptType.READ,
        )

    async def _typing(self, chat: str) -> None:
        await self._client.send_chat_presence(
            outgoing.jid(chat),
            ChatPresence.CHAT_PRESENCE_COMPOSING,
            ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT,
        )

    async def _contacts(self) -> list[dict[str, str]]:
        rows = [
            (jid_of(row.JID), row.Info) for row in await self._client.contact.get_all_contacts()
        ]
        people = {jid: _names(info) for jid, info in rows if jid}
        return await asyncio.to_thread(self._identified, people)

    def _identified(self, people: dict[str, dict[str, str]]) -> list[dict[str, str]]:
        """Bring the entries of one person under one JID: the LID when it is known."""
        phones = {jid: phone for jid in people if (phone := jids.phone_of(jid))}
        lids = store.lids_of(self._dsn, phones.values())
        unnamed = [jid.partition("@")[0] for jid in people if jid not in phones]
        known = store.phones_of(self._dsn, unnamed)
        found: dict[str, dict[str, str]] = {}
        for jid, names in people.items():
            phone = phones.get(jid) or known.get(jid.partition("@")[0], "")
            lid = lids.get(phone, "")
            entry = found.setdefault(f"{lid}@{jids.LID_SERVER}" if lid else jid, {})
            for name, text in {**names, "phone": phone}.items():
                entry[name] = entry.get(name) or text
        return [{"jid": jid, **entry} for jid, entry in found.items()]

    async def _check_numbers(self, phones: list[str]) -> list[dict[str, Any]]:
        answers = await self._client.is_on_whatsapp(*(f"+{phone}" for phone in phones))
        return [
            {
                # The field for the phone number is lost on the way: only the query names it.
                "phone": answer.Query.lstrip("+").partition("@")[0],
                "exists": answer.IsIn,
                "jid": jid_of(answer.JID) if answer.IsIn else "",
                "name": answer.VerifiedName.Details.verifiedName,
            }
            for answer in answers
        ]

    async def _disconnect(self) -> None:
        await self._client.disconnect()

    async def _logout(self) -> None:
        await self._client.logout()
        await asyncio.to_thread(store.forget, self._dsn, self._session_id)


def plain(error: BaseException) -> str:
    """Return what an error says, without addresses: they may hold a password."""
    return _ADDRESS.sub("<address>", str(error))[:_TEXT_LIMIT]


def _names(info: Any) -> dict[str, str]:
    return {
        "name": info.FullName or info.FirstName or info.BusinessName,
        "push_name": info.PushName,
    }


def _refusal(op: str, error: NeonizeError) -> EngineError:
    """Say what a failure of neonize means for whoever asked."""
    text = plain(error)
    if (refused := _SERVER_ERROR.search(text)) is not None:
        return EngineError(f"WhatsApp refused it ({refused[1]}).", code=refused[1])
    if isinstance(error, DownloadError) and _GONE.search(text):
        return EngineError("WhatsApp has this file no longer.", code="media_gone")
    if op != "send":
        return EngineError(f"WhatsApp did not do it: {text}", retryable=True)
    if _NOT_HANDED_OVER.search(text):
        return EngineError(f"The message could not be handed over: {text}", retryable=True)
    return EngineError("WhatsApp did not answer the send.", outcome_unknown=True)
