"""Find the messages that reactions, edits, revocations and read marks are about."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sessions_app.contacts import selectors as contacts
from sessions_app.engines.events import MessageEdited, MessageRevoked, ReactionReceived
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import Direction
from sessions_app.models import Session

Change = TypeVar("Change", ReactionReceived, MessageEdited, MessageRevoked)
Named = tuple[int, str, str]  # session, chat, `wa_id`

# A message may still be under the name that its chat had before (`moving`). The indexes
# "jid_change_open", then "inbound_once" and "outbound_once", one after the other. Who wrote a
# message is not known here, so "inbound_once" is read once per chat and not once per message:
# OFFSET 0 keeps it so.
_LOCK = """
WITH given AS (
    SELECT DISTINCT * FROM unnest(%s::bigint[], %s::text[], %s::text[])
        AS one (session_id, chat, wa_id)
), named AS (
    SELECT session_id, chat, wa_id, chat AS kept_under FROM given
    UNION ALL
    SELECT given.*, change.old FROM given JOIN contacts_jidchange change
        ON change.session_id = given.session_id AND change.new = given.chat
        AND change.finished_at IS NULL
), found AS (
    SELECT theirs.id, kept.chat FROM (
        SELECT session_id, chat, kept_under, array_agg(wa_id) AS wa_ids
        FROM named GROUP BY session_id, chat, kept_under
    ) AS kept CROSS JOIN LATERAL (
        SELECT id FROM messaging_message message
        WHERE message.session_id = kept.session_id AND message.chat = kept.kept_under
            AND message.wa_id = ANY(kept.wa_ids) AND message.direction = 'INBOUND'
        OFFSET 0
    ) AS theirs
    UNION ALL
    SELECT ours.id, named.chat FROM named JOIN messaging_message ours
        ON ours.session_id = named.session_id AND ours.wa_id = named.wa_id
        AND ours.direction = 'OUTBOUND' AND ours.wa_id <> ''
        AND ours.chat = named.kept_under
)
SELECT message.*, found.chat AS named_as FROM found JOIN messaging_message message USING (id)
ORDER BY id FOR NO KEY UPDATE OF message
"""


@dataclass(frozen=True, slots=True)
class Aimed(Generic[Change]):
    """A change, who made it, and the message it is about, locked.

    :param by_author: whoever made it wrote the message, too.
    """

    change: Change
    sender: str
    message: Message
    by_author: bool


def lock(changes: Iterable[tuple[Session, Change]]) -> list[Aimed[Change]]:
    """Return the changes whose messages are here, in order; at most three statements.

    What is about a message that never came is left out.
    """
    batch = list(changes)
    behind = _people(batch)

    def person(session: Session, jid: str) -> str:
        return behind.get((session.pk, jid), jid)

    named = [(s.pk, person(s, change.chat), change.target_wa_id) for s, change in batch]
    known = lock_named(named, {session.pk: session for session, _ in batch})
    behind |= _authors(known)
    found = []
    for key, (session, change) in zip(named, batch, strict=True):
        sender = person(session, change.sender)
        for message in known[key]:
            by_author = person(session, message.sender) == sender
            found.append(Aimed(change, sender, message, by_author))
    return found


def _people(batch: Sequence[tuple[Session, Change]]) -> dict[tuple[int, str], str]:
    return contacts.people_behind(
        (session.pk, jid)
        for session, change in batch
        for jid in (change.chat, change.sender, session.jid)
    )


def _authors(
    known: Mapping[Named, Sequence[Message]],
) -> dict[tuple[int, str], str]:
    """Return by what authors are known now whose messages have an older name of theirs."""
    theirs = [one for messages in known.values() for one in messages]
    return contacts.people_behind(
        (message.session_id, message.sender)
        for message in theirs
        if message.direction == Direction.INBOUND
    )


def lock_named(
    named: Sequence[Named], sessions: Mapping[int, Session]
) -> dict[Named, list[Message]]:
    """Lock the messages that are here by these names, the oldest first.

    The chat is named as the session knows it by now, wherever the message still is.
    """
    known: defaultdict[Named, list[Message]] = defaultdict(list)
    if not named:
        return known
    columns = [list(column) for column in zip(*named, strict=True)]
    rows: Iterable[Any] = Message.objects.raw(_LOCK, columns)  # each with `named_as`
    for message in rows:
        message.session = sessions[message.session_id]
        known[message.session_id, message.named_as, message.wa_id].append(message)
    return known
