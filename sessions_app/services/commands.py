"""Tell the runner what to do: rows that it executes in order, per session."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection, transaction

from accounts.services import audit
from orsta.core import doorbell, errors
from sessions_app.models import Command, Session
from sessions_app.states import CommandKind, CommandState

BELL = "runner"
UNFINISHED = frozenset({CommandState.QUEUED, CommandState.RUNNING})
_ERROR_LENGTH = 300

# The index "command_queued", session by session. One ORDER BY id LIMIT over all sessions lets
# PostgreSQL walk the primary key instead, through every command that was ever done.
_WAITING = """
SELECT command.* FROM unnest(%s::bigint[]) AS owned (session_id)
JOIN sessions_app_session session ON session.id = owned.session_id
CROSS JOIN LATERAL (
    SELECT * FROM sessions_app_command
    WHERE session_id = owned.session_id AND state = 'QUEUED' AND (kind = 'SEND') = %s
        -- A restricted account may write to nobody new; the others are not kept waiting.
        AND NOT (session.status = 'RESTRICTED' AND payload -> 'new_chat' IS NOT NULL)
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
WHERE command.id = ending.id AND command.state IN ('QUEUED', 'RUNNING')
"""
_HAND_OVER = """
UPDATE sessions_app_command command SET state = 'RUNNING', epoch = handed.epoch
FROM unnest(%s::bigint[], %s::bigint[]) AS handed (id, epoch)
WHERE command.id = handed.id AND command.state = 'QUEUED'
"""
_DRAW_IDS = """
SELECT nextval(pg_get_serial_sequence('sessions_app_command', 'id'))
FROM generate_series(1, %s)
"""


class NotUnknown(errors.Conflict):
    """What became of the command is known."""

    code = "outcome_known"


class HasMessage(errors.Conflict):
    """The command sends a message, which has an outcome of its own to settle."""

    code = "settle_the_message"


class Verdict(StrEnum):
    """What to do about a command of which nobody knows whether it was done."""

    AGAIN = "again"
    FAILED = "failed"


_CHANGES: dict[Verdict, dict[str, Any]] = {
    Verdict.AGAIN: {
        "state": CommandState.QUEUED,
        "error": "",
        "attempts": 0,
        "finished_at": None,
        "expires_at": None,
    },
    Verdict.FAILED: {"state": CommandState.FAILED},
}


@dataclass(frozen=True, slots=True)
class NewCommand:
    """A command before it has a row. `payload` is plain JSON.

    :param dedupe_key: of a session's commands with the same key only the first one exists;
        "" for none.
    :param not_before: waits until then, and those behind it with it.
    :param expires_at: not executed after this.
    """

    session: Session
    kind: CommandKind
    payload: dict[str, Any] = field(default_factory=dict)
    dedupe_key: str = ""
    not_before: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended.

    :param result: what the engine answered; plain JSON.
    """

    command_id: int
    state: CommandState
    error: str = ""
    result: dict[str, Any] | list[Any] = field(default_factory=dict)


def queue(
    *, session: Session, kind: CommandKind, payload: dict[str, Any], now: datetime
) -> Command:
    """Queue one command in the caller's transaction; see `queue_many`."""
    return queue_many([NewCommand(session, kind, payload)], now=now)[0]


def queue_once(*, session: Session, kind: CommandKind, now: datetime) -> Command:
    """Queue a command unless one like it waits; call it while the session's row is locked.

    A second click must not be carried out when the first one has led to something else.
    """
    waiting = Command.objects.filter(session=session, kind=kind, state=CommandState.QUEUED)
    known: Command | None = waiting.order_by("pk").first()
    return known or queue(session=session, kind=kind, payload={}, now=now)


def queue_many(drafts: Iterable[NewCommand], *, now: datetime) -> list[Command]:
    """Queue commands in one statement, in order; the runner is woken on commit.

    A draft whose `dedupe_key` is taken gives the command that took it, whatever became of
    that one.
    """
    rows = [
        Command(
            tenant_id=draft.session.tenant_id,
            session=draft.session,
            kind=draft.kind,
            payload=draft.payload,
            dedupe_key=draft.dedupe_key,
            not_before=draft.not_before,
            expires_at=draft.expires_at,
            created_at=now,
        )
        for draft in drafts
    ]
    keyed = any(row.dedupe_key for row in rows)
    created = _create_once(rows) if keyed else Command.objects.bulk_create(rows)
    doorbell.ring_on_commit(BELL)
    return created


def _create_once(rows: list[Command]) -> list[Command]:
    """Insert what has no twin. Ids are drawn first: a skipped row returns none."""
    with connection.cursor() as cursor:
        cursor.execute(_DRAW_IDS, [len(rows)])
        for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = number
    Command.objects.bulk_create(rows, ignore_conflicts=True)
    keys = {row.dedupe_key for row in rows} - {""}
    owners = {row.session_id for row in rows}
    known = {
        (row.session_id, row.dedupe_key): row
        for row in Command.objects.filter(session_id__in=owners, dedupe_key__in=keys)
    }
    return [known.get((row.session_id, row.dedupe_key), row) for row in rows]


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


def put_off(*, command_id: int, not_before: datetime, error: str, attempts: int) -> None:
    """Let a command wait after a failure that may pass. Safe to repeat."""
    Command.objects.filter(pk=command_id, state__in=UNFINISHED).update(
        state=CommandState.QUEUED,
        attempts=attempts,
        not_before=not_before,
        error=error[:_ERROR_LENGTH],
    )


def hand_over(*, epochs: Mapping[int, int]) -> None:
    """Note that commands are under way: {command id: the lease's epoch}. Safe to repeat."""
    with connection.cursor() as cursor:
        cursor.execute(_HAND_OVER, [list(epochs), list(epochs.values())])


def finish(*, finished: Iterable[Finished], now: datetime) -> None:
    """Write how commands ended: one statement, however many they are.

    What ended already stays as it is, so that this can be repeated.
    """
    endings = list({ending.command_id: ending for ending in finished}.values())
    columns = (
        [ending.command_id for ending in endings],
        [str(ending.state) for ending in endings],
        [ending.error[:_ERROR_LENGTH] for ending in endings],
        [json.dumps(ending.result) for ending in endings],
    )
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, [now, *columns])


def confirm_sent(*, messages: Iterable[tuple[int, str]], now: datetime) -> None:
    """End sends of unknown outcome: what they send went out after all. Safe to repeat.

    :param messages: (id of the session, public id of the message).
    """
    sessions, message_ids = zip(*messages, strict=True)
    sends = Command.objects.filter(kind=CommandKind.SEND, state=CommandState.UNKNOWN)
    mine = sends.filter(session__in=sessions, payload__message_id__in=message_ids)
    mine.update(state=CommandState.DONE, finished_at=now)


@transaction.atomic
def settle(
    *, command: Command, verdict: Verdict, reason: str, actor: str, now: datetime
) -> None:
    """Run a command of unknown outcome again, or call it failed.

    It runs again under its own id, in its place, so that who asked for it hears of it.

    :raises HasMessage: it sends a message: settle that.
    :raises NotUnknown: what became of it is known.
    """
    if command.kind == CommandKind.SEND and command.payload.get("message_id"):
        raise HasMessage("Settle the message that this command sends.")
    unknown = Command.objects.filter(pk=command.pk, state=CommandState.UNKNOWN)
    if unknown.update(**_CHANGES[verdict], not_before=None) != 1:
        raise NotUnknown("What became of this command is known.")
    if verdict == Verdict.AGAIN:
        doorbell.ring_on_commit(BELL)
    audit.record(
        action="command.settled",
        actor=actor,
        now=now,
        tenant=command.tenant,
        target=command.session.public_id,
        reason=reason,
        command=command.pk,
        kind=str(command.kind),
        verdict=verdict.value,
    )
