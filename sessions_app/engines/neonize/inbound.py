"""Messages, old and new, from neonize's protobufs to our events. Only in a host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sessions_app import jids
from sessions_app.engines import events
from sessions_app.engines.content import MessageKind
from sessions_app.engines.neonize import content as neonize_content

if TYPE_CHECKING:
    from neonize.proto import Neonize_pb2 as pb
    from neonize.proto.waHistorySync.WAWebProtobufsHistorySync_pb2 import Conversation
    from neonize.proto.waWeb.WAWebProtobufsWeb_pb2 import WebMessageInfo

    from sessions_app.engines.events import EngineEvent

_HISTORY_CHUNK = 100  # messages in one event
_STATUS = "status@broadcast"  # what contacts show to everybody; nobody wrote it to this account
_SECONDS_END = 10**11  # above it a number of seconds would be past the year 5000
_REVOKE, _EDIT = 0, 14  # ProtocolMessage.Type


def message(event: pb.Message, _own: str) -> list[EngineEvent]:
    """A message that came while the stream is up, or that waited for it."""
    info = event.Info
    chat, sender = jid_of(info.MessageSource.Chat), jid_of(info.MessageSource.Sender)
    if not chat or not sender or chat == _STATUS:
        return []
    body = neonize_content.unwrap(event.Message)
    at = moment(info.Timestamp)
    change = _change(body, chat, sender, at)
    if change is None and (content := neonize_content.read(body)) is not None:
        change = events.MessageReceived(
            wa_id=info.ID,
            chat=chat,
            sender=sender,
            text=content.text,
            sent_at=at,
            push_name=info.Pushname,
            phone=_phone(info.MessageSource),
            kind=content.kind,
            media=content.media,
            quoted_wa_id=content.quoted_wa_id,
            from_me=info.MessageSource.IsFromMe,
        )
    return [*_mapped(info.MessageSource), *([change] if change else [])]


def undecryptable(event: pb.UndecryptableMessage, _own: str) -> list[EngineEvent]:
    """A message that can't be read yet, or never."""
    info = event.Info
    chat, sender = jid_of(info.MessageSource.Chat), jid_of(info.MessageSource.Sender)
    if not chat or not sender or chat == _STATUS:
        return []
    return [
        *_mapped(info.MessageSource),
        events.MessageReceived(
            wa_id=info.ID,
            chat=chat,
            sender=sender,
            text="",
            sent_at=moment(info.Timestamp),
            push_name=info.Pushname,
            phone=_phone(info.MessageSource),
            kind=MessageKind.OTHER,
            from_me=info.MessageSource.IsFromMe,
            undecryptable=True,
        ),
    ]


def history(event: pb.HistorySync, own: str) -> list[EngineEvent]:
    """Messages from before the pairing, in chunks, and who is who."""
    found: list[EngineEvent] = []
    for pair in event.Data.phoneNumberToLidMappings:
        lid, phone = normal_text(pair.lidJID), jids.phone_of(normal_text(pair.pnJID))
        if lid and phone:
            found.append(events.IdentityMapped(lid=lid, phone=phone))
    messages = [
        known
        for conversation in event.Data.conversations
        for item in conversation.messages
        if (known := _old_message(conversation, item.message, own)) is not None
    ]
    found += [events.HistoryReceived(tuple(chunk)) for chunk in _chunks(messages)]
    return found


def normal(jid: pb.JID) -> str:
    """Return our form of a JID.

    :raises InvalidRecipient: it is none that we know.
    """
    return jids.normalize(f"{jid.User}@{jid.Server}")


def jid_of(jid: pb.JID) -> str:
    """Return our form of a JID; "" for one that we do not know."""
    return normal_text(f"{jid.User}@{jid.Server}")


def normal_text(text: str) -> str:
    """Return our form of a JID written as text; "" for one that we do not know."""
    try:
        return jids.normalize(text)
    except jids.InvalidRecipient:
        return ""


def moment(number: int) -> datetime:
    """Read a time, which neonize gives in seconds here and in milliseconds there."""
    seconds = number / 1000 if number > _SECONDS_END else number
    return datetime.fromtimestamp(seconds, tz=UTC)


def span(number: int) -> timedelta:
    """Read a duration that neonize gives as Go does, in nanoseconds, or in seconds."""
    return timedelta(seconds=number / 10**9 if number > 10**8 else number)


def _change(body: Any, chat: str, sender: str, at: datetime) -> EngineEvent | None:
    """Return what a message does to an earlier one; None when it is one itself."""
    if body.HasField("reactionMessage"):
        reaction = body.reactionMessage
        return events.ReactionReceived(chat, sender, reaction.key.ID, reaction.text, at)
    if not body.HasField("protocolMessage"):
        return None
    protocol = body.protocolMessage
    if protocol.type == _REVOKE and protocol.HasField("key"):
        return events.MessageRevoked(chat, sender, protocol.key.ID, at)
    if protocol.type == _EDIT:
        content = neonize_content.read(neonize_content.unwrap(protocol.editedMessage))
        text = content.text if content else ""
        return events.MessageEdited(chat, sender, protocol.key.ID, text, at)
    return None


def _phone(source: pb.MessageSource) -> str:
    candidates = (jid_of(source.Sender), jid_of(source.SenderAlt))
    return next((phone for jid in candidates if (phone := jids.phone_of(jid))), "")


def _mapped(source: pb.MessageSource) -> list[EngineEvent]:
    """Return what a message tells about who is who: LID and phone number of one person."""
    pairs = [(source.Sender, source.SenderAlt)]
    if not source.IsGroup:
        pairs.append((source.Chat, source.RecipientAlt))
    found: list[EngineEvent] = []
    for one, other in pairs:
        both = [jid_of(one), jid_of(other)]
        lid = next((jid for jid in both if jid.endswith(f"@{jids.LID_SERVER}")), "")
        phone = next((phone for jid in both if (phone := jids.phone_of(jid))), "")
        if lid and phone:
            found.append(events.IdentityMapped(lid=lid, phone=phone))
    return found


def _old_message(
    conversation: Conversation, info: WebMessageInfo, own: str
) -> events.MessageReceived | None:
    chat = normal_text(conversation.ID or info.key.remoteJID)
    writer = info.participant or info.key.participant
    sender = own if info.key.fromMe else normal_text(writer) if writer else chat
    if not chat or not sender or chat == _STATUS or not info.HasField("message"):
        return None
    body = neonize_content.unwrap(info.message)
    content = None if body.HasField("reactionMessage") else neonize_content.read(body)
    if content is None:
        return None
    return events.MessageReceived(
        wa_id=info.key.ID,
        chat=chat,
        sender=sender,
        text=content.text,
        sent_at=moment(info.messageTimestamp),
        push_name=info.pushName,
        phone=jids.phone_of(sender),
        kind=content.kind,
        media=content.media,
        quoted_wa_id=content.quoted_wa_id,
        from_me=info.key.fromMe,
    )


def _chunks(messages: list[events.MessageReceived]) -> list[list[events.MessageReceived]]:
    starts = range(0, len(messages), _HISTORY_CHUNK)
    return [messages[start : start + _HISTORY_CHUNK] for start in starts]
