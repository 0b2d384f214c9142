"""Stop sessions that were made for a while only."""

from datetime import datetime, timedelta

from django.db import transaction

from sessions_app.models import Session
from sessions_app.services import lifecycle
from sessions_app.states import DesiredState

_BATCH = 500


def expires_at(seconds: int, *, now: datetime) -> datetime | None:
    """Return when a session ends whose expiration was set just now; None: never."""
    return now + timedelta(seconds=seconds) if seconds else None


@transaction.atomic
def stop_due(*, now: datetime) -> int:
    """Stop up to a batch of sessions whose time is over; return how many.

    Their devices stay linked: a later expiration and a start bring them back.
    """
    due = Session.objects.filter(desired=DesiredState.RUNNING, expires_at__lte=now)
    rows = due.select_for_update(of=("self",), skip_locked=True).select_related("tenant")
    sessions = list(rows.order_by("expires_at", "pk")[:_BATCH])
    for session in sessions:
        lifecycle.stop(session=session, now=now, reason="expired")
    return len(sessions)
