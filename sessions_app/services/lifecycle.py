"""Move a session through its life: the only writer of `status` and `desired`."""

from datetime import datetime
from typing import Any

from django.db import transaction

from orsta.core import doorbell, errors
from orsta.core.outbox.services import emit
from sessions_app import selectors, states
from sessions_app.models import PairingChallenge, Session, SessionTransition
from sessions_app.services.commands import BELL, queue
from sessions_app.states import HOLD_ADVICE, CommandKind, DesiredState, Hold, SessionStatus


class IllegalTransition(errors.Conflict):
    """The life cycle has no such step, or somebody else moved first."""

    code = "illegal_transition"


class NotEntitled(errors.Denied):
    """The tenant has no plan that runs."""

    code = "subscription_required"


class WorkspaceSuspended(errors.Denied):
    """Staff suspended the tenant, or it is being deleted."""

    code = "tenant_suspended"


class SessionExpired(errors.Conflict):
    """Its time is over; a later expiration lets it start again."""

    code = "session_expired"


class StillBanned(errors.Conflict):
    """WhatsApp refuses the account for now."""

    code = "session_banned"


class NotRunning(errors.Conflict):
    """It only makes sense for a session that runs."""

    code = "session_not_running"


def shard_of(session: Session) -> str:
    """Return the shard that keeps this session's events in order."""
    return f"session:{session.public_id}"


def report(name: str, session: Session, /, **payload: Any) -> None:
    """Emit an event of this session, in the caller's transaction."""
    emit(
        name,
        tenant_id=session.tenant_id,
        shard=shard_of(session),
        session_id=session.public_id,
        **payload,
    )


@transaction.atomic
def transition(
    session: Session,
    new: SessionStatus,
    *,
    now: datetime,
    reason: str = "",
    epoch: int = 0,
    **changes: Any,
) -> None:
    """Change the status, write the history row and emit `session.status.<new>`.

    The UPDATE is conditional on the status we read: of two racing writers one wins and the
    other raises.

    :param epoch: the lease's epoch when a runner observed it, else 0.
    :param changes: columns that must change in the same statement, e.g. `jid`.
    :raises IllegalTransition: the table forbids the step, or somebody else moved first.
    """
    old = SessionStatus(session.status)
    if not states.allows(old, new):
        raise IllegalTransition(f"A session that is {old.label} cannot become {new.label}.")
    changes |= {"status": new, "reason": reason[:200], "status_changed_at": now}
    moved = Session.objects.filter(pk=session.pk, status=old)
    if moved.update(updated_at=now, **changes) != 1:
        raise IllegalTransition("The session changed meanwhile; read it again.")
    for name, value in changes.items():
        setattr(session, name, value)
    if new != SessionStatus.PAIRING:
        PairingChallenge.objects.filter(session=session).delete()
    SessionTransition.objects.create(
        session=session, old=old, new=new, reason=reason[:200], epoch=epoch, at=now
    )
    report(
        f"session.status.{new.lower()}",
        session,
        status=new,
        previous=old,
        reason=reason,
        jid=session.jid,
    )


@transaction.atomic
def start(*, session: Session, now: datetime) -> Session:
    """Want the session connected; one that runs already is left alone.

    :raises NotEntitled: no plan runs.
    :raises WorkspaceSuspended: the tenant is suspended.
    :raises SessionExpired: its expiration has passed.
    :raises StillBanned: the ban has not ended.
    """
    session = _lock(session)
    _check_may_start(session, now=now)
    _want(session, DesiredState.RUNNING, now=now, hold="")
    if session.provisioned_at is None:
        report("session.provision_requested", session)
    elif not session.is_live:
        transition(session, SessionStatus.STARTING, now=now, reason="start requested")
    doorbell.ring_on_commit(BELL)
    return session


def _check_may_start(session: Session, *, now: datetime) -> None:
    hold = selectors.hold_of(session.tenant, now=now)
    if hold is not None:
        refusal = NotEntitled if hold == Hold.EXPIRED else WorkspaceSuspended
        raise refusal(HOLD_ADVICE[hold])
    if session.expires_at and session.expires_at <= now:
        raise SessionExpired("The session's time is over. Set a later expiration first.")
    if session.status == SessionStatus.BANNED and session.retry_at and session.retry_at > now:
        until = session.retry_at.isoformat(timespec="seconds")
        raise StillBanned(f"WhatsApp refuses this account until {until}.", until=until)


@transaction.atomic
def stop(*, session: Session, now: datetime, reason: str = "stop requested") -> Session:
    """Want the session disconnected; its device stays linked. Safe to repeat.

    The runner closes the connection and then the status follows.
    """
    session = _lock(session)
    _want(session, DesiredState.STOPPED, now=now)
    if session.status == SessionStatus.BANNED:
        transition(session, SessionStatus.STOPPED, now=now, reason=reason)
    doorbell.ring_on_commit(BELL)
    return session


@transaction.atomic
def reconnect(*, session: Session, now: datetime) -> Session:
    """Drop the connection and open it again, without a new pairing.

    :raises NotRunning: the session does not run; start it instead.
    """
    session = _lock(session)
    if not session.may_run or not session.is_live:
        raise NotRunning("The session does not run; start it instead.")
    queue(session=session, kind=CommandKind.RECONNECT, payload={}, now=now)
    return session


def settle_stop(session: Session, *, now: datetime, reason: str, epoch: int) -> None:
    """Record that the connection is closed; start again if that is wanted by now.

    A start that came while the runner was closing found the session alive and left its
    status alone: the last wish is the one that counts.
    """
    fresh = _lock(session)
    transition(fresh, SessionStatus.STOPPED, now=now, reason=reason, epoch=epoch)
    if fresh.may_run:
        transition(fresh, SessionStatus.STARTING, now=now, reason="start requested")
        doorbell.ring_on_commit(BELL)


def give_up(
    session: Session, status: SessionStatus, *, now: datetime, reason: str, **kwargs: Any
) -> None:
    """End a run that only a person can restart: the status says why, and nothing retries."""
    transition(session, status, now=now, reason=reason, **kwargs)
    _want(session, DesiredState.STOPPED, now=now)


def _want(session: Session, desired: DesiredState, *, now: datetime, **changes: str) -> None:
    changes |= {"desired": desired}
    Session.objects.filter(pk=session.pk).update(updated_at=now, **changes)
    for name, value in changes.items():
        setattr(session, name, value)


def _lock(session: Session) -> Session:
    """Read the row again and hold it: what is decided now must not be decided twice."""
    rows = Session.objects.select_for_update(of=("self",)).select_related("tenant")
    fresh: Session = rows.get(pk=session.pk)
    return fresh
