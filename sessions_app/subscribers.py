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


@subscribe("gateway.activated", "gateway.drained", "gateway.quarantined")
def follow_gateway(event: OutboxEvent) -> None:
    """End or resume the runs of the gateway's sessions."""
    enqueue(tasks.follow_gateway, gateway_id=event.payload["gateway_id"])


@subscribe("proxy.enabled", "proxy.disabled", "proxy.came_back")
def follow_proxy(event: OutboxEvent) -> None:
    """The same for a proxy's sessions."""
    enqueue(tasks.follow_proxy, proxy_id=event.payload["proxy_id"])


@subscribe("session.moved")
def clear_place(event: OutboxEvent) -> None:
    """Clean up where the session was."""
    enqueue(
        tasks.clear_place,
        session_id=event.payload["session_id"],
        gateway_id=event.payload["left_gateway"],
    )


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
