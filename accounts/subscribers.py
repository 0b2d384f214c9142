"""What accounts do when something happened."""

from accounts import tasks
from orsta.core.outbox.enqueue import enqueue
from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.registry import subscribe


@subscribe("mail.queued")
def send_mail(event: OutboxEvent) -> None:
    """Let a worker send it."""
    enqueue(tasks.send_mail, mail_id=event.payload["mail_id"])


@subscribe("email_proof.asked")
def issue_proof(event: OutboxEvent) -> None:
    """Let a worker mail it; nobody waits for one whose address has no account."""
    if user_id := event.payload["user_id"]:
        enqueue(tasks.issue_proof, user_id=user_id, purpose=event.payload["purpose"])


@subscribe("export.requested")
def write_export(event: OutboxEvent) -> None:
    """Let a worker write the archive."""
    enqueue(tasks.write_export, export_id=event.payload["export_id"])
