"""Count what became of a session's messages, and give the plan back what failed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

from django.db import connection

from accounts.models import Tenant
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import MessageStatus
from subscriptions import selectors as subscriptions
from subscriptions.models import Feature
from subscriptions.services import quotas

_SENT = frozenset({MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ})

_BY_SESSION = """
UPDATE sessions_app_session session
SET messages_sent = greatest(session.messages_sent + tally.sent, 0),
    messages_failed = greatest(session.messages_failed + tally.failed, 0),
    last_activity_at = %s
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS tally (id, sent, failed)
WHERE session.id = tally.id
"""
_BY_KIND = """
INSERT INTO messaging_messagecount AS known
    (session_id, kind, sent, failed, last_sent_at, last_failed_at)
SELECT session_id, kind, sent, failed,
    CASE WHEN sent > 0 THEN moment END, CASE WHEN failed > 0 THEN moment END
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
    AS tally (session_id, kind, sent, failed)
CROSS JOIN (SELECT %s::timestamptz AS moment) AS clock
ORDER BY session_id, kind
ON CONFLICT (session_id, kind) DO UPDATE
SET sent = greatest(known.sent + excluded.sent, 0),
    failed = greatest(known.failed + excluded.failed, 0),
    last_sent_at = coalesce(excluded.last_sent_at, known.last_sent_at),
    last_failed_at = coalesce(excluded.last_failed_at, known.last_failed_at)
"""


@dataclass(slots=True)
class Tally:
    """How many more were sent and failed than before; may be negative."""

    sent: int = 0
    failed: int = 0

    def add(self, before: MessageStatus, after: MessageStatus) -> None:
        """Count one message."""
        self.sent += (after in _SENT) - (before in _SENT)
        self.failed += (after == MessageStatus.FAILED) - (before == MessageStatus.FAILED)


_Key = TypeVar("_Key", int, tuple[int, str])


def count(steps: Mapping[Message, MessageStatus], *, now: datetime) -> None:
    """Count messages that moved, per session and kind: two statements, however many.

    :param steps: the messages as they are now, and the status that each had before.
    """
    by_session: defaultdict[int, Tally] = defaultdict(Tally)
    by_kind: defaultdict[tuple[int, str], Tally] = defaultdict(Tally)
    for message, before in steps.items():
        after = MessageStatus(message.status)
        by_session[message.session_id].add(before, after)
        by_kind[message.session_id, message.kind].add(before, after)
    sessions, kinds = _changed(by_session), _changed(by_kind)
    if not sessions:
        return
    sent, failed = _columns(sessions)
    with connection.cursor() as cursor:
        cursor.execute(_BY_SESSION, [now, list(sessions), sent, failed])
        owners, names = [key for key, _ in kinds], [kind for _, kind in kinds]
        sent, failed = _columns(kinds)
        cursor.execute(_BY_KIND, [owners, names, sent, failed, now])


def _changed(tallies: Mapping[_Key, Tally]) -> dict[_Key, Tally]:
    moved = sorted(key for key, tally in tallies.items() if tally.sent or tally.failed)
    return {key: tallies[key] for key in moved}


def _columns(tallies: Mapping[_Key, Tally]) -> tuple[list[int], list[int]]:
    values = tallies.values()
    return [tally.sent for tally in values], [tally.failed for tally in values]


def give_back(failed: Iterable[Message], *, now: datetime) -> None:
    """Return what failed for good to the plans that it was taken from.

    One that arrives all the same, which a late receipt may tell, stays free.
    """
    taken: defaultdict[int, list[datetime]] = defaultdict(list)
    for message in failed:
        taken[message.tenant_id].append(message.created_at)
    for tenant in Tenant.objects.filter(pk__in=taken).order_by("pk"):
        period_starts_at = subscriptions.entitlements_for(
            tenant=tenant, now=now
        ).period_starts_at
        # A quota is kept by period and its history by day: what shares both goes in one call.
        shares: defaultdict[tuple[date, bool], list[datetime]] = defaultdict(list)
        for at in taken[tenant.pk]:
            is_current = period_starts_at is not None and at >= period_starts_at
            shares[at.astimezone(UTC).date(), is_current].append(at)
        for _, moments in sorted(shares.items()):
            quotas.give_back(
                tenant=tenant,
                feature=Feature.MESSAGES,
                amount=len(moments),
                taken_at=max(moments),
            )
