"""Which sessions may start."""

from datetime import datetime

from orsta.core import errors
from sessions_app import selectors
from sessions_app.models import Session
from sessions_app.services import attempts
from sessions_app.states import HOLD_ADVICE, Hold, SessionStatus


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


def check(session: Session, *, now: datetime) -> None:
    """Let a session start.

    :raises NotEntitled: no plan runs.
    :raises WorkspaceSuspended: the tenant is suspended.
    :raises SessionExpired: its expiration has passed.
    :raises StillBanned: the ban has not ended.
    :raises PairingLimitReached: it would pair, and did so too often within the hour.
    """
    hold = selectors.hold_of(session.tenant, now=now)
    if hold is not None:
        refusal = NotEntitled if hold == Hold.EXPIRED else WorkspaceSuspended
        raise refusal(HOLD_ADVICE[hold])
    if session.expires_at and session.expires_at <= now:
        raise SessionExpired("The session's time is over. Set a later expiration first.")
    if session.status == SessionStatus.BANNED and session.retry_at and session.retry_at > now:
        until = session.retry_at.isoformat(timespec="seconds")
        raise StillBanned(f"WhatsApp refuses this account until {until}.", until=until)
    if not session.is_live:
        attempts.check(session, now=now)
