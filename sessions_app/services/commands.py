"""Tell the runner what to do: rows that it executes in order, per session."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from orsta.core import doorbell
from sessions_app.models import Command, Session
from sessions_app.states import CommandKind, CommandState

BELL = "runner"
_ERROR_LENGTH = 300

# The index "command_queued", session by session. One ORDER BY id LIMIT over all sessions lets
# PostgreSQL walk the primary key instead, through every command that was ever done.
_WAITING = """
SELECT command.* FROM unnest(%s::bigint[]) AS owned (session_id)
CROSS JOIN LATERAL (
    SELECT * FROM sessions_app_command
    WHERE session_id = owned.session_id AND state = 'QUEUED' AND (kind = 'SEND') = %s
    ORDER BY id LIMIT %s
) command
ORDER BY command.id
"""
# Django's bulk_update builds a CASE per column: at 500 rows that costs ten times as much.
_FINISH = """
UPDATE sessions_app_command command
SET state = ending.state, error = ending.error, result = ending.result::jsonb, finished_at = %s
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])
    AS ending (id, state, error, result)
WHERE command.id = ending.id
"""


@dataclass(frozen=True, slots=True)
class NewCommand:
    """A command before it has a row. `payload` is plain JSON."""

    session: Session
    kind: CommandKind
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended.

    :param result: what the engine answered; plain JSON.
    """

    command_id: int
    state: CommandState
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)


def queue(
    *, session: Session, kind: CommandKind, payload: dict[str, Any], now: datetime
) -> Command:
    """Queue one command in the caller's transaction; see `queue_many`."""
    return queue_many([NewCommand(session, kind, payload)], now=now)[0]


def queue_many(drafts: Iterable[NewCommand], *, now: datetime) -> list[Command]:
    """Queue commands in one statement, in order; the runner is woken on commit."""
    rows = [
        Command(
            tenant_id=draft.session.tenant_id,
            session=draft.session,
            kind=draft.kind,
            payload=draft.payload,
            created_at=now,
        )
        for draft in drafts
    ]
    created = Command.objects.bulk_create(rows)
    doorbell.ring_on_commit(BELL)
    return created


def waiting(
    *, session_ids: Sequence[int], sends: bool, now: datetime, limit: int
) -> dict[int, list[Command]]:
    """Return by session what it could execute now, in order: its sends, or all other kinds.

    A command that was put off holds back those behind it: order comes before speed.

    :param limit: commands per session, so that nobody's backlog delays the others.
    """
    ready: defaultdict[int, list[Command]] = defaultdict(list)
    held_back: set[int] = set()
    for command in Command.objects.raw(_WAITING, [list(session_ids), sends, limit]):
        if command.not_before and command.not_before > now:
            held_back.add(command.session_id)
        if command.session_id not in held_back:
            ready[command.session_id].append(command)
    return ready


def put_off(*, command_id: int, not_before: datetime, error: str) -> None:
    """Let a command wait after a failure that may pass."""
    command = Command.objects.filter(pk=command_id)
    for row in command.select_for_update():
        row.state = CommandState.QUEUED
        row.attempts += 1
        row.not_before = not_before
        row.error = error[:_ERROR_LENGTH]
        row.save(update_fields=["state", "attempts", "not_before", "error"])


def finish(*, finished: Iterable[Finished], now: datetime) -> None:
    """Write how commands ended: one statement, however many they are."""
    endings = list({ending.command_id: ending for ending in finished}.values())
    columns = (
        [ending.command_id for ending in endings],
        [str(ending.state) for ending in endings],
        [ending.error[:_ERROR_LENGTH] for ending in endings],
        [json.dumps(ending.result) for ending in endings],
    )
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, [now, *columns])
