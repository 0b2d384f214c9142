"""What the sockets hear of."""

from collections.abc import Sequence

from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.registry import subscribe, subscribe_batches
from sessions_app.realtime import broadcast


@subscribe_batches
def push(events: Sequence[OutboxEvent]) -> None:
    """Push every event to its tenant's sockets."""
    broadcast.push(events)


@subscribe(
    "login_session.revoked",
    "login_session.moved",
    "api_key.deactivated",
    "api_key.rotated",
    "api_key.revoked",
)
def close(event: OutboxEvent) -> None:
    """Close the sockets of a credential that stopped working."""
    broadcast.reconsider(credential_id=event.payload["credential_id"])
