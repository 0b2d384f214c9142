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


@subscribe(
    "subscription.trial_started",
    "subscription.activated",
    "subscription.active",
    "subscription.trialing",
    "subscription.extended",
    "subscription.past_due",
    "subscription.grace",
    "subscription.resumed",
    "subscription.suspended",
    "subscription.expired",
    "subscription.cancelled",
    "entitlements.changed",
    "tenant.suspended",
    "tenant.resumed",
    "tenant.deletion_scheduled",
    "tenant.deletion_cancelled",
)
def hold_or_release(event: OutboxEvent) -> None:
    """Let the sessions follow what the tenant may have; which event it was does not matter."""
    if event.tenant_id is not None:
        enqueue(tasks.refresh_holds, tenant_id=event.tenant_id)
