"""Keep sessions from running while their tenant may not have them, and let them go on after.

A hold is derived, never remembered: whoever asks gets what the tenant and its plan say now.
So repeats and events that overtake each other do no harm.
"""

from datetime import datetime

from django.db import transaction

from accounts.models import Tenant
from orsta.core import doorbell
from orsta.core.outbox.services import NewEvent, emit_many
from sessions_app import selectors
from sessions_app.models import Session
from sessions_app.services import lifecycle
from sessions_app.services.commands import BELL
from sessions_app.states import DesiredState, SessionStatus
from subscriptions import selectors as subscriptions


@transaction.atomic
def refresh(*, tenant_id: int, now: datetime) -> int:
    """Hold or release the tenant's sessions as it should be now; return how many changed.

    The tenant's row is locked, so that of two refreshes the later one reads what the earlier
    one could not see yet.
    """
    tenant = Tenant.objects.select_for_update(no_key=True).filter(pk=tenant_id).first()
    if tenant is None:
        return 0
    subscriptions.forget([tenant_id])
    hold = selectors.hold_of(tenant, now=now) or ""
    sessions = Session.objects.for_tenant(tenant).exclude(desired=DesiredState.DELETED)
    changing = sessions.exclude(hold=hold).select_for_update().order_by("pk")
    changed: list[Session] = list(changing)
    Session.objects.filter(pk__in=[session.pk for session in changed]).update(
        hold=hold, updated_at=now
    )
    for session in changed:
        session.hold = hold
    if not hold:
        _resume(changed, now=now)
    emit_many(_event(session) for session in changed)
    doorbell.ring_on_commit(BELL)
    return len(changed)


def _resume(sessions: list[Session], *, now: datetime) -> None:
    """Start what would run had it not been held. A ban that has not ended is left to pass."""
    for session in sessions:
        if session.may_run and session.status == SessionStatus.STOPPED:
            lifecycle.transition(
                session, SessionStatus.STARTING, now=now, reason="the hold has ended"
            )


def _event(session: Session) -> NewEvent:
    name = "session.held" if session.hold else "session.released"
    payload = {"session_id": session.public_id, "hold": session.hold}
    return NewEvent(name, session.tenant_id, lifecycle.shard_of(session), payload)
