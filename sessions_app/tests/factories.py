"""Builders of sessions in any state."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Tenant
from accounts.tests.factories import make_api_key, make_tenant
from sessions_app.models import Command, Lease, Session
from sessions_app.services import commands
from sessions_app.states import LIVE, OPEN, CommandState, DesiredState, SessionStatus
from subscriptions import selectors as plans
from subscriptions.models import Feature, Plan, PlanEntitlement, Subscription
from subscriptions.services import lifecycle as subscriptions
from subscriptions.states import SubscriptionStatus

_numbers = count(1)
_LINKED = OPEN | {SessionStatus.DEGRADED}


def make_plan(
    *,
    max_sessions: int | None = 3,
    messages: int | None = None,
    contacts: int | None = None,
    history_days: int | None = None,
) -> Plan:
    """Save a plan of its own; None is unlimited."""
    number = next(_numbers)
    plan = Plan.objects.create(
        code=f"plan-{number}", name=f"Plan {number}", price_minor=999, currency="USD"
    )
    limits = {
        Feature.SESSIONS: max_sessions,
        Feature.MESSAGES: messages,
        Feature.CONTACTS: contacts,
        Feature.HISTORY_DAYS: history_days,
    }
    PlanEntitlement.objects.bulk_create(
        [
            PlanEntitlement(plan=plan, feature=name, limit=limit)
            for name, limit in limits.items()
        ]
    )
    return plan


def make_customer(
    *, max_sessions: int = 3, now: datetime | None = None, **limits: int | None
) -> Tenant:
    """Save a tenant with a plan that runs; all but its sessions is unlimited unless told."""
    tenant = make_tenant()
    plan = make_plan(max_sessions=max_sessions, **limits)
    subscriptions.activate(tenant=tenant, plan=plan, now=now or timezone.now())
    return tenant


def end_plan(tenant: Tenant, *, now: datetime | None = None) -> None:
    """Let the tenant's plan have run out, as if its time had passed."""
    now = now or timezone.now()
    rows = Subscription.objects.for_tenant(tenant)
    rows.update(
        status=SubscriptionStatus.EXPIRED,
        starts_at=now - timedelta(days=31),
        ends_at=now,
        period_starts_at=now - timedelta(days=31),
        period_ends_at=now,
    )
    plans.forget([tenant.pk])


def make_session(
    *, tenant: Tenant | None = None, status: str = SessionStatus.STOPPED, **fields: Any
) -> Session:
    """Save a session in any status, as if the runner and the tenant had brought it there."""
    now = timezone.now()
    running = status in LIVE | {SessionStatus.BANNED}
    ends = {SessionStatus.BANNED, SessionStatus.RESTRICTED}
    values: dict[str, Any] = {
        "name": f"session {next(_numbers)}",
        "engine": "sandbox",
        "status": status,
        "desired": DesiredState.RUNNING if running else DesiredState.STOPPED,
        "status_changed_at": now,
        "provisioned_at": None if status == SessionStatus.CREATED else now,
        "jid": "15550100001@s.whatsapp.net" if status in _LINKED else "",
        "retry_at": now + timedelta(hours=1) if status in ends else None,
    }
    session = Session.objects.create(tenant=tenant or make_customer(), **(values | fields))
    Lease.objects.create(session=session)
    return session


def give_lease(session: Session, *, owner: str = "runner-1", seconds: float = 30) -> Lease:
    """Let a runner own the session; a negative term has run out."""
    lease: Lease = session.lease
    lease.owner = owner
    lease.epoch += 1
    lease.expires_at = timezone.now() + timedelta(seconds=seconds)
    lease.save()
    return lease


def client_of(tenant: Tenant, *sessions: Session) -> APIClient:
    """Return a program of the tenant, whose key is for these sessions only if there are any."""
    issued = make_api_key(tenant)
    if sessions:
        issued.row.session_ids = [session.public_id for session in sessions]
        issued.row.save(update_fields=["session_ids"])
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=issued.text)
    return client


def finish(command: Command, result: Any = None, error: str = "") -> None:
    """Let the runner end a command."""
    state = CommandState.FAILED if error else CommandState.DONE
    ending = commands.Finished(command.pk, state, error, result or {})
    commands.finish(finished=[ending], now=timezone.now())
