"""Messages that engines tell of, as rows before they are written."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sessions_app.contacts import selectors as contacts
from sessions_app.contacts.services import storable
from sessions_app.engines.content import Media
from sessions_app.engines.events import MessageReceived
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import Direction, MessageKind, MessageStatus
from sessions_app.models import Session

_ID_LENGTH = 64
_FILE_NAME_LENGTH = 255
Told = tuple[Message, MessageReceived]
Identity = tuple[int, str, str, str]


def build(
    received: Iterable[tuple[Session, MessageReceived]], *, now: datetime
) -> dict[str, Told]:
    """Return rows by public id, in order of arrival; one for each message.

    Chats and senders are named as the session knows them by now. Of a message that came
    twice in the batch the readable one counts.
    """
    batch = list(received)
    people = contacts.people_behind(
        (session.pk, jid) for session, event in batch for jid in (event.chat, event.sender)
    )
    told: dict[Identity, Told] = {}
    for session, event in batch:
        message = _row(session, event, now=now)
        message.chat = people.get((session.pk, message.chat), message.chat)
        if not event.from_me:
            message.sender = people.get((session.pk, message.sender), message.sender)
        key = identity(message)
        if key not in told or (told[key][1].undecryptable and not event.undecryptable):
            told[key] = (message, event)
    return {message.public_id: (message, event) for message, event in told.values()}


def identity(message: Message) -> Identity:
    """Return what makes two reports the same message; ours are named by `wa_id` alone."""
    if message.direction == Direction.OUTBOUND:
        return message.session_id, "", "", message.wa_id
    return message.session_id, message.chat, message.sender, message.wa_id


def _row(session: Session, event: MessageReceived, *, now: datetime) -> Message:
    return Message(
        tenant_id=session.tenant_id,
        session=session,
        direction=Direction.OUTBOUND if event.from_me else Direction.INBOUND,
        kind=MessageKind(event.kind.value),
        chat=event.chat,
        # The account has a LID too; what it wrote goes by the session's own JID.
        sender=(session.jid or event.sender) if event.from_me else event.sender,
        wa_id=event.wa_id,
        text=storable.text(event.text),
        quoted_wa_id=storable.text(event.quoted_wa_id, limit=_ID_LENGTH),
        undecryptable=event.undecryptable,
        status=MessageStatus.SENT if event.from_me else MessageStatus.RECEIVED,
        created_at=now,
        sent_at=event.sent_at,
        **_media(event.media),
    )


def _media(media: Media | None) -> dict[str, Any]:
    if media is None:
        return {}
    facts = {
        "mime_type": storable.text(media.mime_type, limit=_FILE_NAME_LENGTH),
        "size": media.size,
        "file_name": storable.text(media.file_name, limit=_FILE_NAME_LENGTH),
        "seconds": media.seconds,
    }
    return {"media": facts, "media_reference": json.dumps(media.reference)}
