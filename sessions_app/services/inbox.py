"""Keep what gateways post until the runner that holds the session has read it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from accounts.services import audit
from orsta.core import doorbell, errors
from sessions_app import selectors
from sessions_app.models import InboxEntry
from sessions_app.models.inbox import MAX_ATTEMPTS
from sessions_app.services.commands import BELL

KEPT_FOR = timedelta(days=1)  # longer than any gateway goes on repeating a delivery
UNREAD_KEPT_FOR = timedelta(days=7)
_ERROR_LENGTH = 300

# The index "inbox_waiting", session by session, for the reason that commands.py gives.
_WAITING = """
SELECT entry.* FROM unnest(%s::bigint[]) AS owned (session_id)
CROSS JOIN LATERAL (
    SELECT * FROM sessions_app_inboxentry
    WHERE session_id = owned.session_id AND done_at IS NULL AND attempts < %s
    ORDER BY id LIMIT %s
) entry
ORDER BY entry.id
"""


class NotPoison(errors.Conflict):
    """It waits its turn, or was read."""

    code = "not_poison"


@dataclass(frozen=True, slots=True)
class NewEntry:
    """Something to tell a session. `dedupe_key` is equal for a repetition of the same."""

    session_id: int
    dedupe_key: str
    payload: dict[str, Any] = field(repr=False)


def receive(
    *, session_id: int, dedupe_key: str, payload: dict[str, Any], now: datetime
) -> None:
    """Keep one webhook for the session's runner, and wake it. A repeated one is dropped."""
    receive_many([NewEntry(session_id, dedupe_key, payload)], now=now)


def receive_many(drafts: Iterable[NewEntry], *, now: datetime) -> None:
    """Keep several, in order, in one statement; see `receive`."""
    rows = [
        InboxEntry(
            session_id=draft.session_id,
            dedupe_key=draft.dedupe_key,
            payload=json.dumps(draft.payload),
            received_at=now,
        )
        for draft in drafts
    ]
    InboxEntry.objects.bulk_create(rows, batch_size=1_000, ignore_conflicts=True)
    doorbell.ring_on_commit(BELL)


def waiting(*, session_ids: Sequence[int], limit: int) -> dict[int, list[InboxEntry]]:
    """Return by session what it has to read, in order; see `payload_of`.

    :param limit: entries per session, so that nobody's backlog delays the others.
    """
    found: defaultdict[int, list[InboxEntry]] = defaultdict(list)
    for entry in InboxEntry.objects.raw(_WAITING, [list(session_ids), MAX_ATTEMPTS, limit]):
        found[entry.session_id].append(entry)
    return found


def payload_of(entry: InboxEntry) -> dict[str, Any]:
    """Return what `Connection.hear` takes."""
    payload: dict[str, Any] = json.loads(entry.payload)
    return payload


def finish(*, entries: Mapping[int, str], now: datetime) -> None:
    """Record what became of entries: {id: error}, "" when the engine took it.

    What was read loses its payload. What failed is read again, `MAX_ATTEMPTS` times in all.
    """
    read = [entry_id for entry_id, error in entries.items() if not error]
    if read:
        InboxEntry.objects.filter(pk__in=read).update(done_at=now, payload="", error="")
    for entry_id, error in entries.items():
        if error:
            failed = InboxEntry.objects.filter(pk=entry_id, done_at=None)
            failed.update(attempts=F("attempts") + 1, error=error[:_ERROR_LENGTH])


@transaction.atomic
def replay(*, entry: InboxEntry, actor: str, reason: str, now: datetime) -> None:
    """Let the runner read a poison entry again, `MAX_ATTEMPTS` times.

    :raises NotPoison: it waits its turn, or was read.
    """
    if selectors.poison_webhooks().filter(pk=entry.pk).update(attempts=0, error="") != 1:
        raise NotPoison("Only an entry that was given up can be replayed.")
    audit.record(
        action="inbox_entry.replayed",
        actor=actor,
        now=now,
        target=entry.session.public_id,
        reason=reason,
        entry=entry.pk,
    )
    doorbell.ring_on_commit(BELL)


def forget_old(*, now: datetime) -> int:
    """Delete what was read a day ago, and what nobody read for a week; return how many."""
    read = Q(done_at__lt=now - KEPT_FOR)
    unread = Q(done_at=None, received_at__lt=now - UNREAD_KEPT_FOR)
    deleted, _ = InboxEntry.objects.filter(read | unread).delete()
    return deleted
