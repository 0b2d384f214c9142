"""Say of many sessions at once that the runner let go of them.

A runner that stops has three seconds for hundreds of sessions. This does for all of them, in a
handful of statements, what `lifecycle.transition` does for one.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection, transaction

from orsta.core.outbox.services import emit_many
from sessions_app import states
from sessions_app.models import PairingChallenge, Session, SessionTransition
from sessions_app.services import lifecycle
from sessions_app.states import SessionStatus

REASON = "the runner stopped"
_NEW = SessionStatus.DISCONNECTED
_MOVE = """
UPDATE sessions_app_session session
SET status = %s, reason = %s, reason_code = '', retry_at = NULL, status_changed_at = %s,
    updated_at = %s
FROM unnest(%s::bigint[], %s::text[]) AS known (id, status)
WHERE session.id = known.id AND session.status = known.status
RETURNING session.id
"""


@transaction.atomic
def disconnect(*, epochs: Mapping[Session, int], now: datetime) -> int:
    """Call these sessions DISCONNECTED; return how many were something else before.

    Those that can't become so, or changed meanwhile, stay what they are.

    :param epochs: the lease's epoch, by session as it was read.
    """
    able = [one for one in epochs if states.allows(SessionStatus(one.status), _NEW)]
    if not able:
        return 0
    with connection.cursor() as cursor:
        keys, statuses = [one.pk for one in able], [str(one.status) for one in able]
        cursor.execute(_MOVE, [_NEW.value, REASON, now, now, keys, statuses])
        moved = {row[0] for row in cursor.fetchall()}
    before = {one: SessionStatus(one.status) for one in able if one.pk in moved}
    PairingChallenge.objects.filter(session_id__in=moved).delete()
    SessionTransition.objects.bulk_create(
        SessionTransition(
            session=one, old=old, new=_NEW, reason=REASON, epoch=epochs[one], at=now
        )
        for one, old in before.items()
    )
    for one in before:
        one.status, one.reason, one.reason_code, one.retry_at = _NEW, REASON, "", None
    emit_many(lifecycle.change_event(one, previous=old) for one, old in before.items())
    return len(before)
