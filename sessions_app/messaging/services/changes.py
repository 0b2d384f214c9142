"""Apply what people do to messages that are here: react, edit, delete for everybody.

All of it may repeat and come in any order; the newest by its own time counts. A change
that comes before its message is dropped: engines tell of them in the order in which they
happened, and of a message that can't be read yet there is a row to change.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from sessions_app.contacts.services import storable
from sessions_app.engines.events import MessageEdited, MessageRevoked, ReactionReceived
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import reporting, targets
from sessions_app.models import Session

_EMOJI_LENGTH = 32
_REACT = """
INSERT INTO messaging_reaction AS known (message_id, sender, emoji, at)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[])
    AS given (message_id, sender, emoji, at)
ORDER BY message_id, sender
ON CONFLICT (message_id, sender) DO UPDATE SET emoji = excluded.emoji, at = excluded.at
WHERE known.at < excluded.at
RETURNING message_id, sender
"""
_EDIT = """
UPDATE messaging_message message SET text = edited.text, edited_at = edited.at
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS edited (id, text, at)
WHERE message.id = edited.id
"""
# What was deleted for everybody is not kept here either.
_REVOKE = """
UPDATE messaging_message message
SET revoked_at = gone.at, text = '', media = '{}', media_reference = NULL
FROM unnest(%s::bigint[], %s::timestamptz[]) AS gone (id, at)
WHERE message.id = gone.id
"""


@transaction.atomic(savepoint=False)
def apply_reactions(
    *, changes: Iterable[tuple[Session, ReactionReceived]], now: datetime
) -> int:
    """Keep each person's newest reaction; return how many changed."""
    newest: dict[tuple[int, str], targets.Aimed[ReactionReceived]] = {}
    for aimed in targets.lock(changes):
        key = (aimed.message.pk, aimed.sender)
        if key not in newest or newest[key].change.at < aimed.change.at:
            newest[key] = aimed
    if not newest:
        return 0
    given = [
        (pk, sender, storable.text(aimed.change.emoji, limit=_EMOJI_LENGTH), aimed.change.at)
        for (pk, sender), aimed in newest.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(_REACT, [list(column) for column in zip(*given, strict=True)])
        taken = [newest[key] for key in cursor.fetchall()]
    reporting.report_reactions(
        (aimed.message, aimed.sender, aimed.change.emoji) for aimed in taken
    )
    return len(taken)


@transaction.atomic(savepoint=False)
def apply_edits(*, changes: Iterable[tuple[Session, MessageEdited]], now: datetime) -> int:
    """Give messages their newest text; return how many changed. Only authors edit."""
    edited: dict[int, Message] = {}
    for aimed in targets.lock(changes):
        message, at = aimed.message, aimed.change.at
        late = message.edited_at is not None and message.edited_at >= at
        if not aimed.by_author or message.revoked_at is not None or late:
            continue
        message.text, message.edited_at = storable.text(aimed.change.text), at
        edited[message.pk] = message
    _edit(list(edited.values()))
    reporting.report_edited(edited.values())
    return len(edited)


@transaction.atomic(savepoint=False)
def apply_revokes(*, changes: Iterable[tuple[Session, MessageRevoked]], now: datetime) -> int:
    """Empty messages that were deleted for everybody; return how many.

    By their authors: who is a group's admin is not known here.
    """
    gone: dict[int, Message] = {}
    for aimed in targets.lock(changes):
        if aimed.by_author and aimed.message.revoked_at is None:
            aimed.message.revoked_at = aimed.change.at
            gone[aimed.message.pk] = aimed.message
    if gone:
        moments = [message.revoked_at for message in gone.values()]
        with connection.cursor() as cursor:
            cursor.execute(_REVOKE, [list(gone), moments])
    reporting.report_revoked(gone.values())
    return len(gone)


def _edit(messages: Sequence[Message]) -> None:
    if not messages:
        return
    columns: list[Any] = [
        [message.pk for message in messages],
        [message.text for message in messages],
        [message.edited_at for message in messages],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_EDIT, columns)
