"""Verify that people read the address they gave."""

from datetime import datetime

from django.db import transaction

from accounts.models import LinkPurpose, User
from accounts.services import audit, proofs, throttle


def ask_again(*, email: str, ip: str | None = None) -> None:
    """Have a new code mailed, if there is an account to verify; it looks the same if not.

    :raises LimitReached: too many mails to this address, or asked for from this one.
    """
    throttle.ask_for_mail(email=email, address=ip)
    proofs.ask(email=email, purpose=LinkPurpose.VERIFY)


def verify(*, shown: proofs.Shown, ip: str | None = None, now: datetime) -> User:
    """Note that a person reads its address. Call it outside of a transaction.

    :raises proofs.InvalidProof: the link or code opens nothing.
    :raises LimitReached: too many attempts.
    """
    throttle.try_code(name=shown.email, address=ip)
    proofs.count_attempt(shown=shown, purpose=LinkPurpose.VERIFY, now=now)
    with transaction.atomic():
        user = proofs.take(shown=shown, purpose=LinkPurpose.VERIFY, now=now)
        user.email_verified_at = now
        user.save(update_fields=["email_verified_at"])
        audit.record(
            action="user.email_verified", actor=user.public_id, now=now, target=user.public_id
        )
    return user
