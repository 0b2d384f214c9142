"""How often a session may be paired.

WhatsApp refuses numbers whose codes are asked for again and again, so that a page left open
must not do it.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from orsta.core import errors
from sessions_app.models import Session, SessionTransition
from sessions_app.states import SessionStatus

WINDOW = timedelta(hours=1)


class PairingLimitReached(errors.LimitReached):
    """Too many pairings within an hour."""

    code = "pairing_limit_reached"


def check(session: Session, *, now: datetime) -> None:
    """Let a session pair once more; one that has a device does not have to.

    :raises PairingLimitReached: `ORSTA_PAIRING_ATTEMPTS_PER_HOUR` were made; `retry_after`
        is in the details.
    """
    if session.jid:
        return
    made = _within_the_hour(session, now=now)
    limit = settings.ORSTA_PAIRING_ATTEMPTS_PER_HOUR
    if len(made) < limit:
        return
    oldest = made[limit - 1]  # of the newest `limit`: once it is an hour old there is room
    seconds = max(1, int((oldest + WINDOW - now).total_seconds()) + 1)
    minutes = -(-seconds // 60)
    raise PairingLimitReached(
        f"This session showed codes {len(made)} times within an hour, and nobody linked a "
        f"device. Try again in {minutes} min, with the phone at hand.",
        retry_after=seconds,
    )


@transaction.atomic
def lift(*, session: Session, now: datetime) -> Session:
    """Forget the pairings so far: staff know why there were so many."""
    Session.objects.filter(pk=session.pk).update(pairings_counted_from=now, updated_at=now)
    session.pairings_counted_from = now
    return session


def _within_the_hour(session: Session, *, now: datetime) -> list[datetime]:
    """Return when codes were asked for, newest first."""
    since = max(now - WINDOW, session.pairings_counted_from or now - WINDOW)
    steps = SessionTransition.objects.filter(
        session=session, new=SessionStatus.PAIRING, at__gt=since
    )
    return list(steps.order_by("-pk").values_list("at", flat=True))
