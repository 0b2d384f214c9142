"""Tell people by mail that the ways into their account changed: a thief would not."""

from datetime import datetime
from enum import StrEnum

from accounts.models import User
from accounts.services import mail


class FactorChange(StrEnum):
    """What happened, as the mail words it."""

    TOTP_ADDED = "an authenticator app with recovery codes was added"
    TOTP_REMOVED = "the authenticator app and its recovery codes were removed"
    TOTP_REMOVED_BY_STAFF = (
        "our staff removed the authenticator app and its recovery codes: your password alone "
        "is enough to log in"
    )
    CODES_REPLACED = "new recovery codes were made, and the old ones stopped working"
    PASSKEY_ADDED = "a passkey was added"
    PASSKEY_REMOVED = "a passkey was removed"


def factor_changed(
    *, user: User, change: FactorChange, now: datetime, passkey: str = ""
) -> None:
    """Queue the mail, in the caller's transaction.

    :param passkey: the name of the passkey, if it is about one.
    """
    mail.queue(
        template="factor_changed",
        to=user.email,
        context={
            "username": user.username,
            "change": change,
            "passkey": passkey,
            "reset_url": mail.link("console/forgot"),
            "url": mail.link("console/settings"),
        },
        now=now,
    )
