"""The end of WhatsApp's restrictions."""

from datetime import datetime

from django.db import transaction

from sessions_app.models import Session
from sessions_app.services import lifecycle
from sessions_app.states import SessionStatus

_BATCH = 500


@transaction.atomic
def lift_due(*, now: datetime) -> int:
    """Call connected what may write to new chats again; up to a batch, return how many.

    Nobody tells us: if WhatsApp still refuses, the next new chat brings the restriction back.
    """
    due = Session.objects.filter(status=SessionStatus.RESTRICTED, retry_at__lte=now)
    rows = due.select_for_update(skip_locked=True).order_by("retry_at", "pk")
    sessions = list(rows[:_BATCH])
    for session in sessions:
        lifecycle.transition(
            session,
            SessionStatus.CONNECTED,
            now=now,
            reason="the restriction has ended",
            restricted_until=None,
        )
    return len(sessions)
