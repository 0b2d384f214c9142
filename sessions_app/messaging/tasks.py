"""Messages in the background."""

from celery import shared_task
from django.utils import timezone

from sessions_app.messaging.services import abandoning, history


@shared_task(ignore_result=True)
def prune_history(**_: object) -> None:
    """Delete what sessions with a limited history, and plans, keep no longer."""
    for session_id, limit in history.limited_sessions():
        history.prune(session_id=session_id, limit=limit)
    history.prune_old(now=timezone.now())


@shared_task(ignore_result=True)
def abandon_messages(*, session_id: str, **_: object) -> None:
    """Give up what a deleted session never sent, and return its quota; safe to run twice."""
    abandoning.abandon(session_id=session_id, now=timezone.now())
