"""Take sessions over from whoever had them, with what they left unfinished.

Commands that were handed to an engine, and have no ending, may have happened. Nobody repeats
them: their messages are UNKNOWN until a receipt, staff or the customer says more.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from sessions_app.messaging.services import outcomes
from sessions_app.services import leases
from sessions_app.states import CommandKind

ERROR = "The runner ended before WhatsApp answered; it may have been sent."
# The index "command_running". A command of this epoch can't be there yet.
_ABANDON = """
UPDATE sessions_app_command command
SET state = 'UNKNOWN', error = %s, finished_at = %s
FROM unnest(%s::bigint[], %s::bigint[]) AS held (session_id, epoch)
WHERE command.session_id = held.session_id AND command.state = 'RUNNING'
    AND command.epoch < held.epoch
RETURNING command.kind, command.payload
"""


@transaction.atomic
def claim(*, owner: str, limit: int, now: datetime) -> list[leases.Claim]:
    """Take up to `limit` free sessions; see `leases.claim`."""
    seats = leases.seating(owner=owner, now=now)
    claims = leases.claim(
        owner=owner, limit=limit, now=now, seats=list(seats.values()), seat=seats[owner]
    )
    if claims:
        _abandon(claims, now=now)
    return claims


def _abandon(claims: Sequence[leases.Claim], *, now: datetime) -> None:
    owned = [claim.session_id for claim in claims]
    epochs = [claim.epoch for claim in claims]
    with connection.cursor() as cursor:
        cursor.execute(_ABANDON, [ERROR, now, owned, epochs])
        left = cursor.fetchall()
    sends = [json.loads(payload) for kind, payload in left if kind == CommandKind.SEND]
    if sends:
        unknown = (outcomes.of_unsent(send, error=ERROR, unknown=True) for send in sends)
        outcomes.record(outcomes=unknown, now=now)
