"""What staff ask of a runner."""

from datetime import datetime

from django.db import transaction

from accounts.services import audit
from orsta.core import errors
from sessions_app.models import Runner


class RunnerGone(errors.Conflict):
    """The runner ended, or was asked already."""

    code = "runner_gone"


@transaction.atomic
def request_drain(*, runner: Runner, reason: str, now: datetime, actor: str) -> None:
    """Ask a runner to give its sessions to others and to end.

    It reads the wish with its next sign of life, within 10 s. Whatever watches over the
    process may start another one in its place.

    :raises RunnerGone: it ended meanwhile, or somebody asked before.
    """
    waiting = Runner.objects.filter(pk=runner.pk, drain_requested_at=None)
    if waiting.update(drain_requested_at=now) != 1:
        raise RunnerGone("The runner ended meanwhile, or drains already.")
    audit.record(
        action="runner.drain_requested",
        actor=actor,
        now=now,
        target=runner.node,
        reason=reason,
        sessions=runner.sessions,
    )
