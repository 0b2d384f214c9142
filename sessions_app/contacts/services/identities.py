"""Learn who is who: a LID, a phone number and a user name may be one person.

A person is known by the LID once it is known. Everybody who changes identities of a session
takes the session's lock first, in the order of the sessions' ids, and before any contact.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from orsta.core.outbox.services import NewEvent, emit_many
from sessions_app import jids
from sessions_app.contacts.services import merging, storable
from sessions_app.contacts.states import IdentityKind, IdentitySource
from sessions_app.engines.events import IdentityMapped
from sessions_app.models import Session
from sessions_app.services import lifecycle

# What is known already is written again only when it was last seen this long ago.
STAMP_AGE = timedelta(hours=1)
_LOCK_SPACE = 0x6964  # "id": the first key of our advisory locks
_VALUE_LENGTH = 80

_NEWS = """
SELECT named.place FROM jsonb_to_recordset(%(rows)s::jsonb) AS named (
    place integer, session_id bigint, jid text, kind text, value text
)
LEFT JOIN contacts_contactidentity known
    ON known.session_id = named.session_id AND known.kind = named.kind
    AND known.value = named.value
WHERE known.id IS NULL OR known.jid <> named.jid OR known.last_seen_at < %(stale)s
"""
_LOCK = (
    "SELECT pg_advisory_xact_lock(%s, session_id) FROM unnest(%s::int[]) AS held (session_id)"
)
# Returns the numbers whose owner is another one than before. Who that was is looked up first:
# nothing is joined with what was written, of which the planner knows nothing.
_WRITE = """
WITH named AS (
    SELECT one.*, known.jid AS before
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS one (
        session_id bigint, jid text, kind text, value text, source text
    )
    LEFT JOIN contacts_contactidentity known
        ON known.session_id = one.session_id AND known.kind = one.kind
        AND known.value = one.value
), written AS (
    INSERT INTO contacts_contactidentity AS known
        (session_id, jid, kind, value, source, first_seen_at, last_seen_at)
    SELECT session_id, jid, kind, value, source, %(now)s, %(now)s FROM named
    ORDER BY session_id, kind, value
    ON CONFLICT (session_id, kind, value) DO UPDATE
    SET jid = excluded.jid, source = excluded.source,
        last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at)
)
SELECT session_id, value, jid FROM named
WHERE kind = 'PHONE' AND before IS DISTINCT FROM jid
ORDER BY session_id, value
"""
_FOLLOW = """
INSERT INTO contacts_jidchange AS known
    (session_id, old, new, moved, dropped, opened_at)
SELECT session_id, old, new, 0, 0, %(now)s
FROM unnest(%(sessions)s::bigint[], %(old)s::text[], %(new)s::text[])
    AS change (session_id, old, new)
ON CONFLICT (session_id, old) DO UPDATE
SET new = excluded.new, opened_at = excluded.opened_at, finished_at = NULL
"""


@dataclass(frozen=True, slots=True)
class _Name:
    """A value that names the person `jid`."""

    session: Session
    jid: str
    kind: IdentityKind
    value: str
    source: IdentitySource

    @property
    def key(self) -> tuple[int, str, str]:
        return self.session.pk, self.kind, self.value


@transaction.atomic(savepoint=False)
def learn(
    *,
    mapped: Iterable[tuple[Session, IdentityMapped]],
    now: datetime,
    source: IdentitySource = IdentitySource.MAPPING,
) -> int:
    """Keep who is who; return how many phone numbers got another owner than before.

    Of two owners of one phone number the newer counts. Two contacts that are one person
    become one, and the chat under the phone number follows in the background. What is known
    already costs one statement, however much it is.
    """
    names = {name.key: name for event in mapped for name in _names(*event, source)}
    fresh = _unknown(list(names.values()), now=now)
    if not fresh:
        return 0
    _lock(fresh)
    moves = _write(fresh, now=now)
    sessions = {name.session.pk: name.session for name in fresh}
    if moves:
        merging.merge(moves=moves, sessions=sessions, now=now)
        _have_chats_follow(moves, sessions, now=now)
    return len(moves)


def _names(session: Session, event: IdentityMapped, source: IdentitySource) -> list[_Name]:
    """Return the names that an event tells of; none if it tells of nobody."""
    jid = event.lid or (jids.of_phone(event.phone) if event.phone else "")
    if event.lid and not jids.is_lid(event.lid):
        return []
    given = {
        IdentityKind.LID: event.lid,
        # A number alone says nothing new about whose it is.
        IdentityKind.PHONE: event.phone if event.lid else "",
        IdentityKind.USERNAME: storable.text(event.username) if jid else "",
    }
    return [
        _Name(session, jid, kind, value, source)
        for kind, value in given.items()
        if value and len(value) <= _VALUE_LENGTH
    ]


def _dump(names: Sequence[_Name]) -> str:
    return json.dumps(
        [
            {
                "place": place,
                "session_id": name.session.pk,
                "jid": name.jid,
                "kind": name.kind,
                "value": name.value,
                "source": name.source,
            }
            for place, name in enumerate(names)
        ]
    )


def _unknown(names: list[_Name], *, now: datetime) -> list[_Name]:
    """Return what is new or was last seen long ago, in the order in which rows are locked."""
    if not names:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_NEWS, {"rows": _dump(names), "stale": now - STAMP_AGE})
        places = [place for (place,) in cursor.fetchall()]
    return sorted((names[place] for place in places), key=lambda name: name.key)


def _lock(names: Sequence[_Name]) -> None:
    # The lock's key has 32 bits; two sessions that share one only wait for each other.
    held = sorted({name.session.pk & 0x7FFFFFFF for name in names})
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [_LOCK_SPACE, held])


def _write(names: Sequence[_Name], *, now: datetime) -> list[merging.Move]:
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, {"rows": _dump(names), "now": now})
        rows = cursor.fetchall()
    return [merging.Move(session_id, phone, jid) for session_id, phone, jid in rows]


def _have_chats_follow(
    moves: Sequence[merging.Move], sessions: dict[int, Session], *, now: datetime
) -> None:
    columns: dict[str, Any] = {
        "sessions": [move.session_id for move in moves],
        "old": [move.old for move in moves],
        "new": [move.new for move in moves],
    }
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOW, {**columns, "now": now})
    concerned = [sessions[pk] for pk in sorted({move.session_id for move in moves})]
    emit_many(
        NewEvent(
            "contacts.identified",
            session.tenant_id,
            lifecycle.shard_of(session),
            {
                "session_id": session.public_id,
                "count": sum(move.session_id == session.pk for move in moves),
            },
        )
        for session in concerned
    )
