"""Forget credentials that cannot open anything any more."""

from datetime import datetime, timedelta

from accounts.models import Ceremony, EmailProof, LoginSession, PendingLogin, RefreshToken
from accounts.services import ceremonies, mail

KEEP = timedelta(days=7)  # after the end; a used refresh token that comes again is a theft
# An hour after it was handed out: anybody may ask for one, and it names an address.
KEEP_CEREMONIES = timedelta(hours=1) - ceremonies.LIFETIME
KEEP_LOGINS = timedelta(days=90)  # the list of a person's logins is about what is open


def forget(*, now: datetime) -> None:
    """Delete what ended long ago. The audit log keeps what happened."""
    Ceremony.objects.filter(expires_at__lt=now - KEEP_CEREMONIES).delete()
    for model in (PendingLogin, EmailProof, RefreshToken):
        model.objects.filter(expires_at__lt=now - KEEP).delete()
    LoginSession.objects.filter(ends_at__lt=now - KEEP_LOGINS).delete()
    mail.forget(now=now)
