"""Record what people write to a session."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from sessions_app.contacts.services import people, storable
from sessions_app.engines.events import MessageReceived, MessagesRead
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import reporting
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.models import Session

_MARK_READ = """
UPDATE messaging_message message SET read_at = seen.at
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[])
    AS seen (session_id, chat, wa_id, at)
WHERE message.session_id = seen.session_id AND message.chat = seen.chat
    AND message.wa_id = seen.wa_id AND message.direction = 'INBOUND'
    AND message.read_at IS NULL
RETURNING message.*
"""


@transaction.atomic(savepoint=False)
def record(*, received: Iterable[tuple[Session, MessageReceived]], now: datetime) -> int:
    """Write inbound messages and their senders; return how many are new.

    WhatsApp repeats what was not acknowledged: a message is the same when session, chat,
    sender and `wa_id` are. Only new ones are reported. The number of statements does not
    grow with the batch.
    """
    rows = {message.public_id: (message, event) for message, event in _rows(received, now=now)}
    Message.objects.bulk_create(
        [message for message, _ in rows.values()], ignore_conflicts=True
    )
    # A row exists under the id that was chosen here only if this insert won.
    stored = Message.objects.filter(public_id__in=rows).order_by("pk")
    new = [rows[public_id] for public_id in stored.values_list("public_id", flat=True)]
    if not new:
        return 0
    people.remember(sightings=[_sighting(message, event) for message, event in new], now=now)
    sessions = sorted({message.session_id for message, _ in new})
    Session.objects.filter(pk__in=sessions).update(last_activity_at=now)
    push_names = {message.public_id: storable.text(event.push_name) for message, event in new}
    reporting.report_received([message for message, _ in new], push_names=push_names)
    return len(new)


@transaction.atomic(savepoint=False)
def mark_read(*, read: Iterable[tuple[Session, MessagesRead]]) -> int:
    """Note that inbound messages were marked as read; return how many were not before."""
    batch = list(read)
    sessions = {session.pk: session for session, _ in batch}
    seen = [
        (session.pk, event.chat, wa_id, event.at)
        for session, event in batch
        for wa_id in event.wa_ids
    ]
    columns = [list(column) for column in zip(*seen, strict=True)]
    marked = list(Message.objects.raw(_MARK_READ, columns)) if seen else []
    for message in marked:
        message.session = sessions[message.session_id]
    reporting.report_marked_read(marked)
    return len(marked)


def _rows(
    received: Iterable[tuple[Session, MessageReceived]], *, now: datetime
) -> list[tuple[Message, MessageReceived]]:
    """Build one row per message, in order of arrival."""
    rows: dict[tuple[int, str, str, str], tuple[Message, MessageReceived]] = {}
    for session, event in received:
        key = (session.pk, event.chat, event.sender, event.wa_id)
        if key not in rows:
            rows[key] = (_row(session, event, now=now), event)
    return list(rows.values())


def _row(session: Session, event: MessageReceived, *, now: datetime) -> Message:
    return Message(
        tenant_id=session.tenant_id,
        session=session,
        direction=Direction.INBOUND,
        chat=event.chat,
        sender=event.sender,
        wa_id=event.wa_id,
        text=storable.text(event.text),
        status=MessageStatus.RECEIVED,
        created_at=now,
        sent_at=event.sent_at,
    )


def _sighting(message: Message, event: MessageReceived) -> people.Sighting:
    return people.Sighting(message.session, event.sender, event.push_name, event.phone)
