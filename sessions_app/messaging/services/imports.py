"""Keep messages from before the pairing, for sessions that want them.

Lists go by id, which for messages that happen now is their order. Old ones arrive newest
chunk first and after the pairing, so their ids are made from their own time, below all others.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction

from sessions_app.engines.events import HistoryReceived
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import history, rows
from sessions_app.messaging.states import Direction
from sessions_app.models import Session

_DRAW_NUMBERS = """
SELECT nextval(pg_get_serial_sequence('messaging_message', 'id'))
FROM generate_series(1, %s)
"""
_LOWEST_ID = -(2**63)  # of a bigint
_NUMBER_BITS = 31  # what tells apart the messages of a second; 32 bits of seconds are left
_LAST_SECOND = 2**32 - 1


@transaction.atomic(savepoint=False)
def record_history(
    *, received: Iterable[tuple[Session, HistoryReceived]], now: datetime
) -> int:
    """Write old messages; return how many are new. Nothing follows from them: no events.

    A session wants its history if it keeps a number of messages per chat; the others' is
    dropped, and what the plan would not keep any more. Inbound ones count as read.
    """
    batch = [(session, event) for session, event in received if session.history_limit]
    cutoffs = history.cutoffs({session.tenant_id for session, _ in batch}, now=now)
    wanted = sorted(
        (
            (session, message)
            for session, event in batch
            for message in event.messages
            if not message.undecryptable
            and message.sent_at >= cutoffs.get(session.tenant_id, message.sent_at)
        ),
        key=lambda one: one[1].sent_at,
    )
    told = rows.build(wanted, now=now)
    for message, event in told.values():
        message.created_at = min(event.sent_at, now)
        message.read_at = event.sent_at if message.direction == Direction.INBOUND else None
    old = [message for message, _ in told.values()]
    _place(old)
    Message.objects.bulk_create(old, ignore_conflicts=True)
    return Message.objects.filter(public_id__in=told).count() if told else 0


def _place(messages: Sequence[Message]) -> None:
    """Give messages ids that sort by their time, before every message that came live."""
    with connection.cursor() as cursor:
        cursor.execute(_DRAW_NUMBERS, [len(messages)])
        numbers = [number for (number,) in cursor.fetchall()]
    for message, number in zip(messages, numbers, strict=True):
        second = min(max(int(message.created_at.timestamp()), 0), _LAST_SECOND)
        within = number % 2**_NUMBER_BITS
        message.pk = _LOWEST_ID + (second << _NUMBER_BITS) + within
