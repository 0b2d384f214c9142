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
# "message_by_member".
_FIND = """
(SELECT id FROM messaging_message
 WHERE session_id = %(session_id)s AND chat = %(old)s ORDER BY id LIMIT %(batch)s)
UNION
(SELECT id FROM messaging_message
 WHERE session_id = %(session_id)s AND sender = %(old)s AND direction = 'INBOUND'
   AND sender <> chat ORDER BY id LIMIT %(batch)s)
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
# Of two that would be the same message the one that keeps its place, or the older, stays.
_DROP = """
DELETE FROM messaging_message message USING messaging_message twin
WHERE message.id = ANY(%(ids)s) AND message.direction = 'INBOUND'
    AND twin.session_id = message.session_id AND twin.direction = 'INBOUND'
    AND twin.wa_id = message.wa_id AND twin.id <> message.id
    AND (twin.id < message.id OR twin.id <> ALL(%(ids)s))
    AND twin.chat IN (message.chat, replace(message.chat, %(old)s, %(new)s))
    AND replace(twin.chat, %(old)s, %(new)s) = replace(message.chat, %(old)s, %(new)s)
    AND replace(twin.sender, %(old)s, %(new)s) = replace(message.sender, %(old)s, %(new)s)
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
