"""Move a session through its life: the only writer of `status` and `desired`.

What somebody asks of a session that was deleted meanwhile raises `SessionNotFound`.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from orsta.core import doorbell, errors
from orsta.core.outbox.services import NewEvent, emit, emit_many
from sessions_app import failures, selectors, states
from sessions_app.models import PairingChallenge, Session, SessionTransition
from sessions_app.services import admission, attempts
from sessions_app.services.commands import BELL, queue_once
from sessions_app.states import CommandKind, DesiredState, SessionStatus


class IllegalTransition(errors.Conflict):
    """The life cycle has no such step, or somebody else moved first."""

    code = "illegal_transition"


class NotLinked(errors.Conflict):
    """There is no device."""

    code = "not_linked"


class NotRunning(errors.Conflict):
    """It only makes sense for a session that runs."""

    code = "session_not_running"


_LENGTH = 200  # characters of a reason; the columns'
# What a session loses with its device.
UNLINKED: dict[str, Any] = {"jid": "", "last_synced_at": None, "restricted_until": None}


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
    reason_code: str = "",
    detail: str = "",
    epoch: int = 0,
    **changes: Any,
) -> None:
    """Change the status, write the history row and emit `session.status.<new>`.

    The UPDATE is conditional on the status we read: of two racing writers one wins and the
    other raises. A term (`retry_at`) ends with the status that it was given with.

    :param reason: a sentence for a person.
    :param reason_code: the failure's name in `failures`, if it is one.
    :param detail: what the engine said; only staff see it.
    :param epoch: the lease's epoch when a runner observed it, else 0.
    :param changes: columns that must change in the same statement, e.g. `jid`.
    :raises IllegalTransition: the table forbids the step, or somebody else moved first.
    """
    old = SessionStatus(session.status)
    if not states.allows(old, new):
        raise IllegalTransition(f"A session that is {old.label} cannot become {new.label}.")
    changes = {"retry_at": None} | changes
    changes |= {"status": new, "reason": reason[:_LENGTH], "reason_code": reason_code}
    changes["status_changed_at"] = now
    if not _write(Session.objects.filter(status=old), session, changes, now=now):
        raise IllegalTransition("The session changed meanwhile; read it again.")
    PairingChallenge.objects.filter(session=session).delete()
    SessionTransition.objects.create(
        session=session,
        old=old,
        new=new,
        reason=reason[:_LENGTH],
        reason_code=reason_code,
        detail=detail[:_LENGTH],
        epoch=epoch,
        at=now,
    )
    _report_change(session, previous=old)


@transaction.atomic
def explain(
    session: Session,
    *,
    now: datetime,
    reason: str,
    reason_code: str,
    retry_at: datetime | None = None,
    **changes: Any,
) -> None:
    """Say anew why the session is where it is: the same trouble goes on, or another one.

    :param changes: other columns that change with it.
    """
    same = session.reason_code == reason_code and session.retry_at == retry_at
    if same and session.reason == reason[:_LENGTH]:
        return
    another = session.reason_code != reason_code
    changes |= {"reason": reason[:_LENGTH], "reason_code": reason_code, "retry_at": retry_at}
    _write(Session.objects.all(), session, changes, now=now)
    if another:
        _report_change(session, previous=SessionStatus(session.status))


def change_event(session: Session, *, previous: SessionStatus) -> NewEvent:
    """Return the event that tells what the session is now."""
    retry_at = session.retry_at
    payload = {
        "session_id": session.public_id,
        "status": session.status,
        "previous": previous,
        "reason": session.reason,
        "reason_code": session.reason_code,
        "retry_at": retry_at.isoformat() if retry_at else None,
        "jid": session.jid,
    }
    name = f"session.status.{session.status.lower()}"
    return NewEvent(name, session.tenant_id, shard_of(session), payload)


def _report_change(session: Session, *, previous: SessionStatus) -> None:
    """Tell what the session is now, and staff if one of them has to look."""
    emit_many([change_event(session, previous=previous)])
    if session.reason_code in failures.ALERTING:
        report(
            "session.alert",
            session,
            code=session.reason_code,
            status=session.status,
            sentence=session.reason,
        )


@transaction.atomic
def start(*, session: Session, now: datetime) -> Session:
    """Want the session connected; one that runs already is left alone.

    :raises DomainError: what `admission.check` refuses.
    """
    session = lock(session)
    admission.check(session, now=now)
    _want(session, DesiredState.RUNNING, now=now, hold="")
    if session.provisioned_at is None:
        report("session.provision_requested", session)
    elif not session.is_live:
        transition(session, SessionStatus.STARTING, now=now, reason="start requested")
    doorbell.ring_on_commit(BELL)
    return session


@transaction.atomic
def stop(*, session: Session, now: datetime, reason: str = "stop requested") -> Session:
    """Want the session disconnected; its device stays linked. Safe to repeat.

    The runner closes the connection and then the status follows.
    """
    session = lock(session)
    _want(session, DesiredState.STOPPED, now=now)
    if session.status == SessionStatus.BANNED:
        transition(session, SessionStatus.STOPPED, now=now, reason=reason)
    doorbell.ring_on_commit(BELL)
    return session


@transaction.atomic
def reconnect(*, session: Session, now: datetime) -> Session:
    """Drop the connection and open it again; a linked device needs no new pairing.

    :raises NotRunning: the session does not run; start it instead.
    :raises PairingLimitReached: it would pair, and did so too often within the hour.
    """
    session = lock(session)
    if not session.may_run or not session.is_live:
        raise NotRunning("The session does not run; start it instead.")
    attempts.check(session, now=now)
    queue_once(session=session, kind=CommandKind.RECONNECT, now=now)
    return session


@transaction.atomic
def logout(*, session: Session, now: datetime) -> Session:
    """Unlink the device on WhatsApp's side; the session stays and can be linked anew.

    The runner does it and then the status follows. Messages that wait are kept.

    :raises NotRunning: there is no connection to say it on; start the session first.
    :raises NotLinked: no device is linked.
    """
    session = lock(session)
    if not session.jid:
        raise NotLinked("No device is linked, so there is nothing to unlink.")
    if not session.may_run or not session.is_live:
        raise NotRunning("The session does not run; start it first, or delete it.")
    queue_once(session=session, kind=CommandKind.LOGOUT, now=now)
    return session


def settle_stop(session: Session, *, now: datetime, reason: str, epoch: int) -> None:
    """Record that the connection is closed; start again if that is wanted by now.

    A start that came while the runner was closing found the session alive and left its
    status alone: the last wish is the one that counts.
    """
    fresh = Session.objects.select_for_update().get(pk=session.pk)
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


def lock(session: Session) -> Session:
    """Read the row again and hold it: what is decided now must not be decided twice.

    :raises SessionNotFound: it was deleted meanwhile.
    """
    rows = _present().select_for_update(of=("self",)).select_related("tenant")
    fresh: Session | None = rows.filter(pk=session.pk).first()
    if fresh is None:
        raise selectors.SessionNotFound("There is no such session.")
    return fresh


def _want(session: Session, desired: DesiredState, *, now: datetime, **changes: str) -> None:
    """Write what is wanted from now on, unless a deletion came first: that one is for good."""
    _write(_present(), session, changes | {"desired": desired}, now=now)


def _present() -> QuerySet[Session]:
    return Session.objects.exclude(desired=DesiredState.DELETED)


def _write(
    rows: QuerySet[Session], session: Session, changes: dict[str, Any], *, now: datetime
) -> bool:
    """Change columns of the session, here and in the database, if its row is among these."""
    if rows.filter(pk=session.pk).update(updated_at=now, **changes) != 1:
        return False
    for name, value in changes.items():
        setattr(session, name, value)
    return True
