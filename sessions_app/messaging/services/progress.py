"""Move locked messages forward in memory, then write all of them at once.

Outcomes and receipts arrive in any order and more than once; `states.TRANSITIONS` decides
what counts. The rows are locked in the order of their ids before anything is decided.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from sessions_app.messaging.models import Message
from sessions_app.messaging.services import counting, reporting
from sessions_app.messaging.states import TRANSITIONS, MessageStatus
from sessions_app.models import Session
from sessions_app.services import commands

ERROR_LENGTH = 300
_WENT_OUT = frozenset({MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ})

_LOCK_BY_WA_ID = """
SELECT message.* FROM messaging_message message
JOIN (SELECT DISTINCT * FROM unnest(%s::bigint[], %s::text[]) AS pair (session_id, wa_id)) named
    ON named.session_id = message.session_id AND named.wa_id = message.wa_id
WHERE message.direction = 'OUTBOUND' AND message.wa_id <> ''
ORDER BY message.id FOR NO KEY UPDATE OF message
"""

_WRITE = """
UPDATE messaging_message message
SET status = moved.status, wa_id = moved.wa_id, error = moved.error, sent_at = moved.sent_at,
    delivered_at = moved.delivered_at, read_at = moved.read_at
FROM unnest(
    %s::bigint[], %s::text[], %s::text[], %s::text[],
    %s::timestamptz[], %s::timestamptz[], %s::timestamptz[]
) AS moved (id, status, wa_id, error, sent_at, delivered_at, read_at)
WHERE message.id = moved.id
"""


class Progress:
    """The messages of one batch. Needs the transaction in which it ends with `save`."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._before = {message: MessageStatus(message.status) for message in messages}
        self._changed: dict[Message, None] = {}
        self._moves: list[tuple[Message, MessageStatus]] = []

    def move(self, message: Message, new: MessageStatus) -> bool:
        """Let the message become `new`, unless that would be a step back."""
        if new not in TRANSITIONS[MessageStatus(message.status)]:
            return False
        message.status = new
        self._moves.append((message, new))
        self.touch(message)
        return True

    def touch(self, message: Message) -> None:
        """Have the message written, although its status stays."""
        self._changed[message] = None

    def save(self, *, now: datetime) -> int:
        """Write what changed, count per session and emit the steps; return how many steps.

        What turns out to be sent ends its command, whose outcome nobody knew.
        """
        if self._changed:
            _write(list(self._changed))
        if self._moves:
            counting.count(self._before, now=now)
            counting.give_back(self._newly_failed(), now=now)
            reporting.report_moves(self._moves)
        if sent := self._found_sent():
            commands.confirm_sent(messages=sent, now=now)
        return len(self._moves)

    def _newly_failed(self) -> list[Message]:
        failed = MessageStatus.FAILED
        return [one for one, before in self._before.items() if one.status == failed != before]

    def _found_sent(self) -> list[tuple[int, str]]:
        return [
            (one.session_id, one.public_id)
            for one, before in self._before.items()
            if before == MessageStatus.UNKNOWN and one.status in _WENT_OUT
        ]


def lock_by_id(public_ids: Iterable[str]) -> dict[str, Message]:
    """Lock messages of ours by public id."""
    messages = Message.objects.filter(public_id__in=set(public_ids)).order_by("pk")
    locked = messages.select_for_update(of=("self",), no_key=True).select_related("session")
    return {message.public_id: message for message in locked}


def lock_by_wa_id(named: Iterable[tuple[Session, str]]) -> dict[tuple[int, str], Message]:
    """Lock outbound messages by session and `wa_id`; unknown ones are missing."""
    pairs = list(named)
    sessions = {session.pk: session for session, _ in pairs}
    parameters = [[session.pk for session, _ in pairs], [wa_id for _, wa_id in pairs]]
    locked = {}
    for message in Message.objects.raw(_LOCK_BY_WA_ID, parameters):
        message.session = sessions[message.session_id]
        locked[message.session_id, message.wa_id] = message
    return locked


def _write(messages: list[Message]) -> None:
    columns = (
        [message.pk for message in messages],
        [str(message.status) for message in messages],
        [message.wa_id for message in messages],
        [message.error for message in messages],
        [message.sent_at for message in messages],
        [message.delivered_at for message in messages],
        [message.read_at for message in messages],
    )
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, columns)
