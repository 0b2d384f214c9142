"""Turn a gateway's webhooks about traffic into our events. State is the stream's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sessions_app import jids
from sessions_app.engines import events
from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.wuzapi import json as read
from sessions_app.engines.wuzapi.messages import content, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HISTORY_CHUNK = 500  # messages per event: the writer takes an event in one go
_STATUS_POSTS = "status@broadcast"  # pictures for a day, not written to us
# whatsmeow's ProtocolMessage types.
_REVOKE = frozenset({"0", "REVOKE"})
_EDIT = frozenset({"14", "MESSAGE_EDIT"})
_PRESENCE_STATES = frozenset({"composing", "paused"})


def traffic(payload: dict[str, Any], *, own_jid: str) -> list[events.EngineEvent]:
    """Return what a webhook tells; nothing for types that tell us nothing.

    :param own_jid: of the session's account; the author of what history says we wrote.
    """
    translate = _TRANSLATIONS.get(read.text(payload, "type"))
    return list(translate(payload, own_jid)) if translate else []


def _message(payload: dict[str, Any], own_jid: str) -> Iterator[events.EngineEvent]:
    event = read.mapping(payload, "event")
    info = read.mapping(event, "Info")
    wa_id, chat = read.text(info, "ID"), read.jid(info, "Chat")
    sender = read.jid(info, "Sender") or chat
    if not wa_id or not chat or chat == _STATUS_POSTS:
        return
    at = read.moment(info, "Timestamp") or _now()
    yield from _identities(info, chat, sender)
    message = unwrapped(read.mapping(event, "Message"))
    if changed := _change(message, chat, sender, at):
        yield changed
    elif (written := content(message)) is not None:
        yield events.MessageReceived(
            wa_id=wa_id,
            chat=chat,
            sender=sender,
            text=written.text,
            sent_at=at,
            push_name=read.text(info, "PushName"),
            phone=jids.phone_of(sender) or jids.phone_of(read.jid(info, "SenderAlt")),
            kind=written.kind,
            media=written.media,
            quoted_wa_id=written.quoted_wa_id,
            from_me=read.flag(info, "IsFromMe"),
        )


def _identities(info: Any, chat: str, sender: str) -> Iterator[events.EngineEvent]:
    """Tell which LID and which number belong together; the number may be missing."""
    pairs = [(sender, read.jid(info, "SenderAlt"))]
    if read.flag(info, "IsFromMe") and not read.flag(info, "IsGroup"):
        pairs.append((chat, read.jid(info, "RecipientAlt")))
    for one, other in pairs:
        lid = next((jid for jid in (one, other) if jid.endswith(f"@{jids.LID_SERVER}")), "")
        phone = jids.phone_of(one) or jids.phone_of(other)
        if lid and phone:
            yield events.IdentityMapped(lid=lid, phone=phone)


def _change(
    message: dict[str, Any], chat: str, sender: str, at: datetime
) -> events.EngineEvent | None:
    """Return what became of an earlier message; None when this is a message itself."""
    if reaction := read.mapping(message, "reactionMessage"):
        target = read.text(read.mapping(reaction, "key"), "ID")
        return events.ReactionReceived(chat, sender, target, read.text(reaction, "text"), at)
    protocol = read.mapping(message, "protocolMessage")
    target = read.text(read.mapping(protocol, "key"), "ID")
    kind = read.text(protocol, "type")
    if target and kind in _REVOKE:
        return events.MessageRevoked(chat, sender, target, at)
    if target and kind in _EDIT:
        edited = content(unwrapped(read.mapping(protocol, "editedMessage")))
        return events.MessageEdited(chat, sender, target, edited.text if edited else "", at)
    return None


def _undecryptable(payload: dict[str, Any], own_jid: str) -> Iterator[events.EngineEvent]:
    info = read.mapping(read.mapping(payload, "event"), "Info")
    wa_id, chat = read.text(info, "ID"), read.jid(info, "Chat")
    if not wa_id or not chat or chat == _STATUS_POSTS:
        return
    sender = read.jid(info, "Sender") or chat
    yield from _identities(info, chat, sender)
    yield events.MessageReceived(
        wa_id=wa_id,
        chat=chat,
        sender=sender,
        text="",
        sent_at=read.moment(info, "Timestamp") or _now(),
        push_name=read.text(info, "PushName"),
        phone=jids.phone_of(sender) or jids.phone_of(read.jid(info, "SenderAlt")),
        from_me=read.flag(info, "IsFromMe"),
        undecryptable=True,
    )


def _receipt(payload: dict[str, Any], own_jid: str) -> Iterator[events.EngineEvent]:
    event = read.mapping(payload, "event")
    wa_ids = tuple(str(wa_id) for wa_id in read.items(event, "MessageIDs"))
    at, chat = read.moment(event, "Timestamp") or _now(), read.jid(event, "Chat")
    state = read.text(payload, "state").lower()
    if not wa_ids:
        return
    if state == "readself":
        if chat:
            yield events.MessagesRead(chat, wa_ids, at)
    elif read.flag(event, "IsFromMe"):
        return  # another device of the account got what this one sent
    elif state in {"delivered", "read"}:
        yield events.ReceiptReceived(wa_ids, ReceiptKind(state), at)


def _typing(payload: dict[str, Any], own_jid: str) -> Iterator[events.EngineEvent]:
    event = read.mapping(payload, "event")
    chat, state = read.jid(event, "Chat"), read.text(event, "State").lower()
    if chat and state in _PRESENCE_STATES:
        yield events.PresenceChanged(chat, state)


def _presence(payload: dict[str, Any], own_jid: str) -> Iterator[events.EngineEvent]:
    event = read.mapping(payload, "event")
    if contact := read.jid(event, "From"):
        away = read.flag(event, "Unavailable")
        yield events.PresenceChanged(contact, "unavailable" if away else "available")


def _identity_change(payload: dict[str, Any], own_jid: str) -> Iterator[events.EngineEvent]:
    if contact := read.jid(read.mapping(payload, "event"), "JID"):
        yield events.IdentityChanged(contact)


def _history(payload: dict[str, Any], own_jid: str) -> Iterator[events.EngineEvent]:
    data = read.mapping(read.mapping(payload, "event"), "Data")
    found = [
        message
        for conversation in read.items(data, "conversations")
        for message in _old_messages(conversation, own_jid)
    ]
    for start in range(0, len(found), HISTORY_CHUNK):
        yield events.HistoryReceived(tuple(found[start : start + HISTORY_CHUNK]))


def _old_messages(conversation: Any, own_jid: str) -> Iterator[events.MessageReceived]:
    chat = read.jid(conversation, "ID")
    for entry in read.items(conversation, "messages"):
        old = read.mapping(entry, "message")
        key = read.mapping(old, "key")
        written = content(unwrapped(read.mapping(old, "message")))
        at = read.moment(old, "messageTimestamp")
        if not chat or not read.text(key, "ID") or written is None or at is None:
            continue
        from_me = read.flag(key, "fromMe")
        author = read.jid(old, "participant") or read.jid(key, "participant") or chat
        sender = own_jid if from_me else author
        yield events.MessageReceived(
            wa_id=read.text(key, "ID"),
            chat=chat,
            sender=sender,
            text=written.text,
            sent_at=at,
            push_name=read.text(old, "pushName"),
            phone=jids.phone_of(sender),
            kind=written.kind,
            media=written.media,
            quoted_wa_id=written.quoted_wa_id,
            from_me=from_me,
        )


def _now() -> datetime:
    return datetime.now(UTC)


_TRANSLATIONS: dict[str, Callable[[dict[str, Any], str], Iterator[events.EngineEvent]]] = {
    "Message": _message,
    "UndecryptableMessage": _undecryptable,
    "ReadReceipt": _receipt,
    "ChatPresence": _typing,
    "Presence": _presence,
    "IdentityChange": _identity_change,
    "HistorySync": _history,
}
