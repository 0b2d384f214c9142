"""Have messages follow a person to the JID by which they are known now."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from sessions_app.contacts.models import JidChange

BATCH = 1_000  # messages in one transaction
# Whoever looked a chat up before the change was visible has written by then.
SETTLED_AFTER = timedelta(minutes=1)

# In the person's own chat, and in groups; the indexes "message_of_chat" and
# "message_by_member". BETWEEN, as it leaves an order that only these have: with "=" PostgreSQL
# walks the primary key instead, through everybody's messages, if it expects many of them here.
_FIND = """
(SELECT id FROM messaging_message
 WHERE session_id = %(session_id)s AND chat BETWEEN %(old)s AND %(old)s
 ORDER BY chat, id DESC LIMIT %(batch)s)
UNION
(SELECT id FROM messaging_message
 WHERE session_id = %(session_id)s AND sender BETWEEN %(old)s AND %(old)s
   AND direction = 'INBOUND' AND sender <> chat
 ORDER BY sender LIMIT %(batch)s)
"""
# An address book brings tens of thousands of changes, and hardly any of them has a message.
_HAS_MESSAGES = """(
    EXISTS (SELECT FROM messaging_message message
            WHERE message.session_id = change.session_id AND message.chat = change.old)
    OR EXISTS (SELECT FROM messaging_message message
               WHERE message.session_id = change.session_id AND message.sender = change.old
                 AND message.direction = 'INBOUND' AND message.sender <> message.chat)
)"""
_TO_DO = f"""
SELECT change.id FROM contacts_jidchange change
JOIN sessions_app_session session ON session.id = change.session_id
WHERE session.public_id = %(session_id)s AND change.finished_at IS NULL
    AND (change.moved > 0 OR change.dropped > 0 OR {_HAS_MESSAGES})
ORDER BY change.id
"""  # noqa: S608 (our own text)
_FORGET_IDLE = f"""
DELETE FROM contacts_jidchange change USING sessions_app_session session
WHERE session.id = change.session_id AND session.public_id = %(session_id)s
    AND change.finished_at IS NULL AND change.opened_at <= %(settled)s
    AND change.moved = 0 AND change.dropped = 0 AND NOT {_HAS_MESSAGES}
"""  # noqa: S608 (our own text)
# Of two that would be the same message the one that keeps its place, or the older, stays. A
# twin has the old or the new name in both places. OFFSET 0 keeps PostgreSQL from joining by
# less than the whole of "inbound_once", which would be everything in the chat for each.
_DROP = """
WITH mine AS MATERIALIZED (
    SELECT id, session_id, wa_id, direction,
        CASE chat WHEN %(old)s THEN %(new)s ELSE chat END AS chat,
        CASE sender WHEN %(old)s THEN %(new)s ELSE sender END AS sender
    FROM messaging_message WHERE id = ANY(%(ids)s)
), doomed AS (
    SELECT mine.id FROM mine
    CROSS JOIN LATERAL (
        SELECT mine.chat UNION ALL SELECT %(old)s WHERE mine.chat = %(new)s
    ) AS place (chat)
    CROSS JOIN LATERAL (
        SELECT mine.sender UNION ALL SELECT %(old)s WHERE mine.sender = %(new)s
    ) AS author (sender)
    CROSS JOIN LATERAL (
        SELECT message.id FROM messaging_message message
        WHERE message.session_id = mine.session_id AND message.chat = place.chat
            AND message.sender = author.sender AND message.wa_id = mine.wa_id
            AND message.direction = 'INBOUND'
        OFFSET 0
    ) AS twin
    WHERE mine.direction = 'INBOUND' AND twin.id <> mine.id
        AND (twin.id < mine.id OR twin.id <> ALL(%(ids)s))
)
DELETE FROM messaging_message WHERE id = ANY(ARRAY(SELECT id FROM doomed))
"""
_MOVE = """
UPDATE messaging_message message
SET chat = CASE WHEN chat = %(old)s THEN %(new)s ELSE chat END,
    sender = CASE WHEN sender = %(old)s AND direction = 'INBOUND' THEN %(new)s ELSE sender END
WHERE id = ANY(%(ids)s)
"""
# Whoever reacted under both names keeps the reaction under the LID.
_MOVE_REACTIONS = """
UPDATE messaging_reaction reaction SET sender = %(new)s
WHERE message_id = ANY(%(ids)s) AND sender = %(old)s AND NOT EXISTS (
    SELECT FROM messaging_reaction twin
    WHERE twin.message_id = reaction.message_id AND twin.sender = %(new)s
)
"""


def open_sessions(*, now: datetime) -> list[str]:
    """Return the public ids of sessions with changes that nobody has finished."""
    rows = JidChange.objects.filter(finished_at=None, opened_at__lt=now - SETTLED_AFTER)
    found = rows.order_by("session").values_list("session__public_id", flat=True)
    return list(found.distinct())


def follow(*, session_id: str, now: datetime) -> int:
    """Move what is still under an old JID of this session; return how many messages went.

    In batches, each a transaction of its own: whoever is killed leaves the rest under the
    old JID, where the next run finds it. What is under the new JID already is dropped.

    :param session_id: the public id.
    """
    total = 0
    with connection.cursor() as cursor:
        settled = now - SETTLED_AFTER
        cursor.execute(_FORGET_IDLE, {"session_id": session_id, "settled": settled})
        cursor.execute(_TO_DO, {"session_id": session_id})
        to_do = [change_id for (change_id,) in cursor.fetchall()]
    for change_id in to_do:
        while gone := follow_batch(change_id=change_id, now=now):
            total += gone
    return total


@transaction.atomic
def follow_batch(*, change_id: int, now: datetime) -> int:
    """Move the next messages of one change, or end it when there are none left."""
    rows = JidChange.objects.select_for_update(skip_locked=True).filter(finished_at=None)
    change = rows.filter(pk=change_id).first()
    if change is None:
        return 0
    values: dict[str, Any] = {
        "session_id": change.session_id,
        "old": change.old,
        "new": change.new,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {**values, "batch": BATCH})
        ids = sorted(pk for (pk,) in cursor.fetchall())
        if not ids:
            _end(change, now=now)
            return 0
        cursor.execute(_DROP, {**values, "ids": ids})
        dropped: int = cursor.rowcount
        cursor.execute(_MOVE, {**values, "ids": ids})
        moved: int = cursor.rowcount
        cursor.execute(_MOVE_REACTIONS, {**values, "ids": ids})
    JidChange.objects.filter(pk=change.pk).update(
        moved=F("moved") + moved, dropped=F("dropped") + dropped
    )
    return moved + dropped


def _end(change: JidChange, *, now: datetime) -> None:
    """Finish a change once it has settled; one that moved nothing leaves no row."""
    if change.opened_at > now - SETTLED_AFTER:
        return
    if change.moved or change.dropped:
        change.finished_at = now
        change.save(update_fields=["finished_at"])
    else:
        change.delete()
