"""What the session aggregate does when something happened."""

from orsta.core.outbox.enqueue import enqueue
from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.registry import subscribe
from sessions_app import tasks
from sessions_app.models import Session


@subscribe("session.created", "session.provision_requested")
def provision(event: OutboxEvent) -> None:
    """Let a worker prepare the engine."""
    rows = Session.objects.filter(public_id=event.payload["session_id"])
    for session_id in rows.values_list("pk", flat=True):
        enqueue(tasks.provision_session, session_id=session_id)
