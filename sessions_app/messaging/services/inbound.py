"""Record what people write to a session, and what its account writes elsewhere."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction

from sessions_app import jids
from sessions_app.contacts import selectors as contacts
from sessions_app.contacts.services import identities, people, storable
from sessions_app.contacts.states import IdentitySource
from sessions_app.engines.events import IdentityMapped, MessageReceived, MessagesRead
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import progress, reporting, rows, targets
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.models import Session

_MARK_READ = """
UPDATE messaging_message message SET read_at = seen.at
FROM unnest(%s::bigint[], %s::timestamptz[]) AS seen (id, at) WHERE message.id = seen.id
"""
# The whole of "inbound_once" or of "outbound_once" for each; OFFSET 0 keeps PostgreSQL from
# joining by less, which would be everything in the chat for each message.
_LOCK_PLACEHOLDERS = """
WITH named AS (
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
        AS one (session_id, direction, chat, sender, wa_id)
), found AS (
    SELECT theirs.id FROM named CROSS JOIN LATERAL (
        SELECT id FROM messaging_message message
        WHERE message.session_id = named.session_id AND message.chat = named.chat
            AND message.sender = named.sender AND message.wa_id = named.wa_id
            AND message.direction = 'INBOUND'
        OFFSET 0
    ) AS theirs WHERE named.direction = 'INBOUND'
    UNION ALL
    SELECT ours.id FROM named CROSS JOIN LATERAL (
        SELECT id FROM messaging_message message
        WHERE message.session_id = named.session_id AND message.wa_id = named.wa_id
            AND message.direction = 'OUTBOUND' AND message.wa_id <> ''
        OFFSET 0
    ) AS ours WHERE named.direction = 'OUTBOUND'
)
SELECT message.* FROM messaging_message message
WHERE message.id = ANY(ARRAY(SELECT id FROM found)) AND message.undecryptable
ORDER BY message.id FOR NO KEY UPDATE OF message
"""
_CONTENT = ["kind", "text", "quoted_wa_id", "media", "media_reference", "undecryptable"]


@transaction.atomic(savepoint=False)
def record(*, received: Iterable[tuple[Session, MessageReceived]], now: datetime) -> int:
    """Write messages and their senders; return how many are new or became readable.

    WhatsApp repeats what was not acknowledged: a message is the same when session, chat,
    sender and `wa_id` are. Only new ones are reported. One that could not be decrypted is
    written all the same; when it comes again, readable, it is reported as if it were new.
    What the account wrote on another device counts against no plan. The number of
    statements does not grow with the batch.
    """
    batch = list(received)
    _learn(batch, now=now)
    told = rows.build(batch, now=now)
    Message.objects.bulk_create([row for row, _ in told.values()], ignore_conflicts=True)
    # A row exists under the id that was chosen here only if this insert won.
    stored = Message.objects.filter(public_id__in=told).order_by("pk")
    new = [told.pop(public_id) for public_id in stored.values_list("public_id", flat=True)]
    repeated = [one for one in told.values() if not one[1].undecryptable]
    _confirm([row for row, _ in repeated], now=now)
    readable = _fill_placeholders(repeated)
    if new or readable:
        _remember([*new, *readable], now=now)
        _report([*new, *readable])
    return len(new) + len(readable)


@transaction.atomic(savepoint=False)
def mark_read(*, read: Iterable[tuple[Session, MessagesRead]]) -> int:
    """Note that inbound messages were marked as read; return how many were not before."""
    batch = list(read)
    behind = contacts.people_behind((session.pk, event.chat) for session, event in batch)
    read_at: dict[targets.Named, datetime] = {}
    for session, event in batch:
        chat = behind.get((session.pk, event.chat), event.chat)
        for wa_id in event.wa_ids:
            read_at.setdefault((session.pk, chat, wa_id), event.at)
    known = targets.lock_named(list(read_at), {session.pk: session for session, _ in batch})
    marked = []
    for named, messages in known.items():
        for message in messages:
            if message.direction == Direction.INBOUND and message.read_at is None:
                message.read_at = read_at[named]
                marked.append(message)
    _mark_read(marked)
    reporting.report_marked_read(marked)
    return len(marked)


def _mark_read(messages: Sequence[Message]) -> None:
    if not messages:
        return
    columns = ([message.pk for message in messages], [one.read_at for one in messages])
    with connection.cursor() as cursor:
        cursor.execute(_MARK_READ, columns)


def _learn(batch: Sequence[tuple[Session, MessageReceived]], *, now: datetime) -> None:
    """Learn who is who before anything is filed under a name."""
    mapped = [
        (session, IdentityMapped(lid=event.sender, phone=event.phone))
        for session, event in batch
        if event.phone and jids.is_lid(event.sender) and not event.from_me
    ]
    identities.learn(mapped=mapped, now=now, source=IdentitySource.MESSAGE)


def _confirm(repeated: Sequence[Message], *, now: datetime) -> None:
    """Take WhatsApp's word that a message of ours went out, if nobody knew."""
    ours = [message for message in repeated if message.direction == Direction.OUTBOUND]
    if not ours:
        return
    known = progress.lock_by_wa_id((message.session, message.wa_id) for message in ours)
    batch = progress.Progress(known.values())
    for message in ours:
        mine = known.get((message.session_id, message.wa_id))
        if mine is not None and batch.move(mine, MessageStatus.SENT):
            mine.sent_at, mine.error = message.sent_at, ""
    batch.save(now=now)


def _fill_placeholders(repeated: Sequence[rows.Told]) -> list[rows.Told]:
    """Write what became readable into the rows that waited for it."""
    if not repeated:
        return []
    wanted = {rows.identity(message): (message, event) for message, event in repeated}
    named = [(m.session_id, m.direction, m.chat, m.sender, m.wa_id) for m, _ in repeated]
    columns = [list(column) for column in zip(*named, strict=True)]
    filled = []
    for waiting in Message.objects.raw(_LOCK_PLACEHOLDERS, columns):
        message, event = wanted[rows.identity(waiting)]
        waiting.session = message.session
        for name in _CONTENT:
            setattr(waiting, name, getattr(message, name))
        filled.append((waiting, event))
    if filled:
        Message.objects.bulk_update([message for message, _ in filled], _CONTENT)
    return filled


def _remember(new: Sequence[rows.Told], *, now: datetime) -> None:
    people.remember(
        sightings=[
            people.Sighting(message.session, message.sender, event.push_name, event.phone)
            for message, event in new
            if message.direction == Direction.INBOUND
        ],
        now=now,
    )
    sessions = sorted({message.session_id for message, _ in new})
    Session.objects.filter(pk__in=sessions).update(last_activity_at=now)


def _report(new: Sequence[rows.Told]) -> None:
    push_names = {message.public_id: storable.text(event.push_name) for message, event in new}
    reporting.report_arrived([message for message, _ in new], push_names=push_names)
