"""Give up what a deleted session never sent."""

from datetime import datetime

from django.db import transaction

from sessions_app.messaging.services import outcomes
from sessions_app.models import Command
from sessions_app.services import commands
from sessions_app.states import CommandKind, CommandState, SessionStatus

_BATCH = 1_000
_ERROR = "The session was deleted."


def abandon(*, session_id: str, now: datetime) -> int:
    """Let the waiting messages of a deleted session fail; return how many.

    Their quota goes back to the plan with that. In batches, each a transaction of its own;
    safe to repeat. Before the runner has let go of the session nothing happens: it may be
    sending one of them.

    :param session_id: the public id.
    """
    total = 0
    while batch := _abandon_batch(session_id, now):
        total += batch
    return total


@transaction.atomic
def _abandon_batch(session_id: str, now: datetime) -> int:
    waiting = Command.objects.filter(
        session__public_id=session_id,
        session__status=SessionStatus.DELETED,
        state=CommandState.QUEUED,
        kind=CommandKind.SEND,
    )
    sends = list(waiting.order_by("pk").values_list("pk", "payload")[:_BATCH])
    outcomes.record(
        outcomes=[outcomes.of_unsent(payload, error=_ERROR) for _, payload in sends],
        now=now,
    )
    endings = [commands.Finished(pk, CommandState.FAILED, _ERROR) for pk, _ in sends]
    commands.finish(finished=endings, now=now)
    return len(sends)
