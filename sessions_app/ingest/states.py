"""What an engine's event means for the state of its session."""

from datetime import datetime

from sessions_app.engines import events
from sessions_app.models import Session
from sessions_app.services import lifecycle, pairing
from sessions_app.states import SessionStatus


def observe(session: Session, event: events.EngineEvent, *, now: datetime, epoch: int) -> None:
    """Move the session as the event says; traffic leaves its state alone.

    :raises IllegalTransition: the session can't get there from where it is.
    """
    match event:
        case events.ChallengeIssued():
            pairing.offer(session=session, challenge=event, now=now, epoch=epoch)
        case events.Paired():
            pairing.accept(session=session, paired=event, now=now, epoch=epoch)
        case events.Connected(jid=jid):
            lifecycle.transition(
                session, SessionStatus.CONNECTED, now=now, epoch=epoch, jid=jid, retry_at=None
            )
        case events.Disconnected(reason=reason):
            lifecycle.transition(
                session, SessionStatus.DISCONNECTED, now=now, reason=reason, epoch=epoch
            )
        case events.TypingShown(chat=chat):
            lifecycle.report("session.typing_shown", session, chat=chat)
        case events.PresenceChanged(chat=chat, state=state):
            lifecycle.report("contact.presence_changed", session, chat=chat, state=state)
        case _:
            _observe_end(session, event, now=now, epoch=epoch)


def _observe_end(
    session: Session, event: events.EngineEvent, *, now: datetime, epoch: int
) -> None:
    match event:
        case events.PairingTimedOut():
            lifecycle.give_up(
                session,
                SessionStatus.PAIRING_EXPIRED,
                now=now,
                reason="nobody scanned the code in time",
                epoch=epoch,
            )
        case events.LoggedOut(reason=reason):
            lifecycle.give_up(
                session,
                SessionStatus.LOGGED_OUT,
                now=now,
                reason=reason,
                epoch=epoch,
                jid="",
                last_synced_at=None,
            )
        case events.Replaced():
            lifecycle.give_up(
                session,
                SessionStatus.REPLACED,
                now=now,
                reason="another client connected with this device",
                epoch=epoch,
            )
        case events.TemporarilyBanned(code=code, expires_at=expires_at):
            lifecycle.transition(
                session,
                SessionStatus.BANNED,
                now=now,
                reason=f"WhatsApp refuses the account, code {code}",
                epoch=epoch,
                retry_at=expires_at,
            )
