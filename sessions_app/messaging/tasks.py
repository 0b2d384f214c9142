"""Messages in the background."""

from celery import shared_task
from django.utils import timezone

from sessions_app.messaging.services import abandoning, history, moving


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


@shared_task(ignore_result=True)
def move_chats(*, session_id: str, **_: object) -> None:
    """Have a session's messages follow people whose LID became known; safe to run twice."""
    moving.follow(session_id=session_id, now=timezone.now())


@shared_task(ignore_result=True)
def resume_moves(**_: object) -> None:
    """Go on where a worker died, and finish the changes that have settled."""
    for session_id in moving.open_sessions(now=timezone.now()):
        move_chats.delay(session_id=session_id)
