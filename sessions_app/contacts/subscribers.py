"""What follows from events of contacts."""

from orsta.core.outbox.enqueue import enqueue
from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.registry import subscribe
from sessions_app.contacts import tasks


@subscribe("contacts.sync.fetched")
def write(event: OutboxEvent) -> None:
    """Write what the runner fetched."""
    enqueue(tasks.write_contacts, sync_id=event.payload["sync_id"])


@subscribe("session.status.connected")
def sync_first(event: OutboxEvent) -> None:
    """Bring the address book of an account that was just linked."""
    enqueue(tasks.sync_new_account, session_id=event.payload["session_id"])


@subscribe("contacts.changed")
def sync_changed(event: OutboxEvent) -> None:
    """Fetch the address book again, unless that was done a moment ago."""
    enqueue(tasks.sync_changed_contacts, session_id=event.payload["session_id"])
