"""What an engine's event means for the state of its session."""

from datetime import datetime
from typing import Any

from sessions_app import failures
from sessions_app.engines import events
from sessions_app.failures import Retry
from sessions_app.models import Session
from sessions_app.services import lifecycle, pairing
from sessions_app.states import SessionStatus

_CODES: dict[type[events.EngineEvent], str] = {
    events.PairingTimedOut: "pairing_timed_out",
    events.PairingFailed: "pairing_failed",
    events.Replaced: "replaced",
    events.LoggedOut: "401",
}


def observe(
    session: Session,
    event: events.EngineEvent,
    *,
    now: datetime,
    epoch: int,
    retry_at: datetime | None = None,
) -> None:
    """Move the session as the event says; traffic leaves its state alone.

    :param retry_at: when the runner connects again after a failure, if it is not soon.
    :raises IllegalTransition: the session can't get there from where it is.
    """
    match event:
        case events.Paired():
            pairing.accept(session=session, paired=event, now=now, epoch=epoch)
        case events.Connected(jid=jid):
            _come_up(session, jid, now=now, epoch=epoch)
        case events.Disconnected(reason=reason):
            lifecycle.transition(
                session, SessionStatus.DISCONNECTED, now=now, reason=reason, epoch=epoch
            )
        case events.TypingShown(chat=chat):
            lifecycle.report("session.typing_shown", session, chat=chat)
        case events.PresenceChanged(chat=chat, state=state):
            lifecycle.report("contact.presence_changed", session, chat=chat, state=state)
        case _:
            _observe_challenge(session, event, now=now, epoch=epoch, retry_at=retry_at)


def _come_up(session: Session, jid: str, *, now: datetime, epoch: int) -> None:
    """Call it connected, or restricted still: a new stream changes nothing about that."""
    until = session.restricted_until
    changes: dict[str, Any] = {"now": now, "epoch": epoch, "jid": jid}
    if until is None or until <= now:
        lifecycle.transition(session, SessionStatus.CONNECTED, restricted_until=None, **changes)
        return
    failure = failures.failure("463")
    changes |= {"reason": failure.sentence, "reason_code": failure.code, "retry_at": until}
    lifecycle.transition(session, failure.status, **changes)


def _observe_challenge(
    session: Session,
    event: events.EngineEvent,
    *,
    now: datetime,
    epoch: int,
    retry_at: datetime | None,
) -> None:
    match event:
        case events.ChallengeIssued():
            pairing.offer(session=session, challenge=event, now=now, epoch=epoch)
        case events.PasskeyRequested():
            pairing.request_passkey(session=session, wanted=event, now=now, epoch=epoch)
        case events.PasskeyConfirmation():
            pairing.request_confirmation(session=session, wanted=event, now=now, epoch=epoch)
        case _:
            _observe_trouble(session, event, now=now, epoch=epoch, retry_at=retry_at)


def _observe_trouble(
    session: Session,
    event: events.EngineEvent,
    *,
    now: datetime,
    epoch: int,
    retry_at: datetime | None,
) -> None:
    """Look up what the trouble is called; the table says the rest."""
    match event:
        case events.ConnectFailed(code=code, detail=detail):
            _fail(session, code, now=now, epoch=epoch, detail=detail, until=retry_at)
        case events.PairingTimedOut() | events.Replaced():
            _fail(session, _CODES[type(event)], now=now, epoch=epoch)
        case events.PairingFailed(reason=reason) | events.LoggedOut(reason=reason):
            _fail(session, _CODES[type(event)], now=now, epoch=epoch, reason=reason)
        case events.TemporarilyBanned(code=code, expires_at=until):
            reason = failures.ban_sentence(code)
            _fail(session, "402", now=now, epoch=epoch, reason=reason, until=until)
        case events.Restricted(until=until):
            _fail(session, "463", now=now, epoch=epoch, until=until)
        case events.Degraded(reason=reason):
            _fail(session, "not_answering", now=now, epoch=epoch, detail=reason)


def _fail(
    session: Session,
    code: str,
    *,
    now: datetime,
    epoch: int,
    reason: str = "",
    detail: str = "",
    until: datetime | None = None,
) -> None:
    """Move the session as the table of failures says.

    Its credentials are left alone, whatever it is: only a logout or a deletion ends them.
    """
    failure = failures.failure(code)
    changes: dict[str, Any] = {"reason": reason or failure.sentence}
    changes["reason_code"] = failure.code
    changes["retry_at"] = until
    if failure.retry == Retry.AT_END and until is None:
        changes["retry_at"] = now + failures.UNKNOWN_TERM
    if failure.status == SessionStatus.RESTRICTED:
        changes["restricted_until"] = changes["retry_at"]
    if session.status == failure.status:
        lifecycle.explain(session, now=now, **changes)
        return
    changes |= {"detail": detail, "epoch": epoch}
    if failure.status == SessionStatus.LOGGED_OUT:
        changes |= lifecycle.UNLINKED
    move = lifecycle.give_up if failure.retry == Retry.NEVER else lifecycle.transition
    move(session, failure.status, now=now, **changes)
