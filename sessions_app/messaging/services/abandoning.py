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

    Their quota goes back to the plan with that. Of what was handed over nobody knows whether
    it went out, and no other owner will come to say so. In batches, each a transaction of its
    own; safe to repeat. Before the runner has let go of the session nothing happens: it may be
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
        state__in=commands.UNFINISHED,
        kind=CommandKind.SEND,
    )
    sends = list(waiting.order_by("pk")[:_BATCH])
    outcomes.record(
        outcomes=[
            outcomes.of_unsent(send.payload, error=_ERROR, unknown=_handed_over(send))
            for send in sends
        ],
        now=now,
    )
    endings = [commands.Finished(send.pk, _ending(send), _ERROR) for send in sends]
    commands.finish(finished=endings, now=now)
    return len(sends)


def _handed_over(send: Command) -> bool:
    return send.state == CommandState.RUNNING


def _ending(send: Command) -> CommandState:
    return CommandState.UNKNOWN if _handed_over(send) else CommandState.FAILED
