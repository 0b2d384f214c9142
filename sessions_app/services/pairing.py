"""Codes to scan, and what happens when somebody does."""

from datetime import datetime

from django.db import transaction

from sessions_app.engines import events
from sessions_app.models import PairingChallenge, Session
from sessions_app.services import lifecycle
from sessions_app.states import SessionStatus


@transaction.atomic
def offer(
    *, session: Session, challenge: events.ChallengeIssued, now: datetime, epoch: int
) -> None:
    """Show a new code in place of the one before it."""
    if session.status != SessionStatus.PAIRING:
        lifecycle.transition(
            session, SessionStatus.PAIRING, now=now, reason="waiting for a scan", epoch=epoch
        )
    expires_at = now + challenge.valid_for
    PairingChallenge.objects.update_or_create(
        session=session,
        defaults={
            "text": challenge.text,
            "seq": challenge.seq,
            "issued_at": now,
            "expires_at": expires_at,
        },
    )
    lifecycle.report(
        "session.qr.updated", session, seq=challenge.seq, expires_at=expires_at.isoformat()
    )


@transaction.atomic
def accept(*, session: Session, paired: events.Paired, now: datetime, epoch: int) -> None:
    """Remember which account was linked; the engine restarts its stream next."""
    lifecycle.transition(
        session,
        SessionStatus.STARTING,
        now=now,
        reason="paired",
        epoch=epoch,
        jid=paired.jid,
        push_name=paired.push_name,
    )
