"""End commands that waited longer than they are worth waiting for."""

import json
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction

from sessions_app.messaging.services import outcomes
from sessions_app.states import CommandKind

ERROR = "It could not be done in time."
_BATCH = 1_000
# The index "command_expiring". The lease is held too, so that nobody claims the session, and
# executes the command, meanwhile.
_EXPIRE = """
WITH late AS (
    SELECT command.id FROM sessions_app_command command
    JOIN sessions_app_lease lease ON lease.session_id = command.session_id
    WHERE command.state = 'QUEUED' AND command.expires_at <= %s
        AND (lease.owner IN ('', %s) OR lease.expires_at < now())
        AND command.id <> ALL (%s::bigint[])
    ORDER BY command.expires_at LIMIT %s
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE sessions_app_command command
SET state = 'EXPIRED', error = %s, finished_at = %s
FROM late WHERE command.id = late.id
RETURNING command.kind, command.payload
"""


@transaction.atomic
def expire_due(*, owner: str, in_flight: Iterable[int], now: datetime) -> int:
    """End what expired by `now` in the owner's sessions and in nobody's; return how many.

    Their messages failed, which gives the plan its quota back.

    :param in_flight: commands that the owner executes. Read `now` first, then these: a
        command that is begun later finds out by itself that it has expired.
    """
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, [now, owner, list(in_flight), _BATCH, ERROR, now])
        ended = cursor.fetchall()
    sends = [json.loads(payload) for kind, payload in ended if kind == CommandKind.SEND]
    if sends:
        failed = (outcomes.of_unsent(send, error=ERROR) for send in sends)
        outcomes.record(outcomes=failed, now=now)
    return len(ended)
