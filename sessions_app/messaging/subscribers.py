"""What follows for messages from what happens to sessions."""

from orsta.core.outbox.enqueue import enqueue
from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.registry import subscribe
from sessions_app.messaging import tasks


@subscribe("session.status.deleted")
def abandon(event: OutboxEvent) -> None:
    """Give up what the session never sent."""
    enqueue(tasks.abandon_messages, session_id=event.payload["session_id"])


@subscribe("contacts.identified")
def move_chats(event: OutboxEvent) -> None:
    """Have messages follow the people whose LID became known."""
    enqueue(tasks.move_chats, session_id=event.payload["session_id"])
