"""What a person shows besides the password, and the logins that wait for it.

Factors are asked for once an authenticator app is confirmed. A passkey alone is another way
in, not a demand: without recovery codes a lost device would shut its owner out.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts import keys
from accounts.models import LoginSession, PendingLogin, User
from accounts.selectors import lookup
from accounts.services import notices, passkeys, recovery_codes, tokens, totp
from accounts.services.notices import FactorChange
from orsta.core import errors, limits

LIFETIME = timedelta(minutes=5)
MAX_ATTEMPTS = 5
FRESH = timedelta(minutes=15)  # how long a login stands for the person who opened it
TOTP = "totp"
RECOVERY_CODE = "recovery_code"
PASSKEY = "passkey"
_LIMIT = "code_account"


class WrongCode(errors.Unauthenticated):
    """A second factor did not fit, or was used before."""

    code = "wrong_code"

    def __init__(self) -> None:
        super().__init__("This code is wrong, too old, or was used before.")


class PendingLoginOver(errors.Unauthenticated):
    """The password was too long ago, or too many codes were wrong."""

    code = "pending_login_over"

    def __init__(self) -> None:
        super().__init__("This login took too long or failed too often; please start again.")


class NoSecondFactor(errors.Conflict):
    """There is no authenticator app that recovery codes could stand in for."""

    code = "no_second_factor"


class NotProven(errors.Denied):
    """Somebody who is logged in did not show that it is still them."""

    code = "not_proven"

    def __init__(self, message: str = "The code or the password is wrong.") -> None:
        super().__init__(message)


def methods_of(user: User) -> list[str]:
    """Return what a login with a password must show one of; none if the password is enough."""
    if not totp.is_enabled(user):
        return []
    methods = [TOTP]
    if recovery_codes.left(user):
        methods.append(RECOVERY_CODE)
    if passkeys.of(user).exists():
        methods.append(PASSKEY)
    return methods


def begin(*, user: User, now: datetime) -> str:
    """Remember that the password was right; return the token to come back with, once."""
    key = keys.mint(keys.KeyType.PENDING_LOGIN)
    PendingLogin.objects.create(user=user, expires_at=now + LIFETIME, **tokens.stored(key))
    return key.render()


def take(
    *,
    pending: str,
    code: str = "",
    passkey: Mapping[str, Any] | None = None,
    now: datetime,
) -> User:
    """Finish a login that waits; return whose it is. The token works once.

    Call it outside of a transaction: a failed attempt has to be counted.

    :raises PendingLoginOver: an unknown, used or old token, or one with too many attempts.
    :raises WrongCode: the factor does not fit; the token may be tried again.
    """
    waiting = PendingLogin.objects.select_related("user")
    row = lookup.find(waiting, pending, keys.KeyType.PENDING_LOGIN)
    if row is None:
        raise PendingLoginOver
    open_ = PendingLogin.objects.filter(
        pk=row.pk, used_at=None, expires_at__gt=now, user__is_active=True
    )
    untired = open_.filter(attempts__lt=MAX_ATTEMPTS)
    if untired.update(attempts=F("attempts") + 1) != 1:
        raise PendingLoginOver
    verify(user=row.user, code=code, passkey=passkey, now=now)
    if open_.update(used_at=now) != 1:
        raise PendingLoginOver
    return row.user


def verify(
    *, user: User, code: str = "", passkey: Mapping[str, Any] | None = None, now: datetime
) -> str:
    """Take one factor; return which it was.

    :param code: of the authenticator app, or a recovery code.
    :param passkey: the browser's answer to a challenge.
    :raises WrongCode: it does not fit, or was used before.
    :raises LimitReached: too many did not fit lately, whichever way they came.
    """
    limits.check(_LIMIT, user.public_id)
    if passkey is not None:
        method = _method_of_passkey(user, passkey, now=now)
    else:
        method = _method_of_code(user, code, now=now)
    if not method:
        raise WrongCode
    limits.forget(_LIMIT, user.public_id)
    return method


def is_fresh(*, user: User, login_id: str, now: datetime) -> bool:
    """Say whether a login, named by its public id, was opened a moment ago."""
    recent = LoginSession.objects.filter(user=user, created_at__gt=now - FRESH)
    return recent.filter(public_id=login_id).exists()


def begin_totp(
    *, user: User, login_id: str, code: str = "", password: str = "", now: datetime
) -> totp.Enrolment:
    """Do what `totp.begin` does, for a fresh login or who shows again that it is them.

    :raises NotProven: the login is not fresh, and neither the code nor the password fits.
    :raises LimitReached: too many did not fit lately.
    :raises totp.TotpEnabled: an app is in use; it must be removed first.
    """
    _prove_unless_fresh(user, login_id, code, password, now=now)
    return totp.begin(user=user, now=now)


def begin_passkey(
    *, user: User, login_id: str, code: str = "", password: str = "", now: datetime
) -> dict[str, Any]:
    """Do what `passkeys.begin_registration` does, with the same proof.

    :raises NotProven: the login is not fresh, and neither the code nor the password fits.
    :raises LimitReached: too many did not fit lately.
    :raises passkeys.TooManyPasskeys: there is no room for one more.
    """
    _prove_unless_fresh(user, login_id, code, password, now=now)
    return passkeys.begin_registration(user=user, now=now)


def new_recovery_codes(
    *, user: User, code: str = "", password: str = "", now: datetime
) -> list[str]:
    """Replace the recovery codes, for whoever shows again that it is them.

    :raises NoSecondFactor: there is no authenticator app.
    :raises NotProven: neither the code nor the password fits.
    :raises LimitReached: too many did not fit lately.
    """
    if not totp.is_enabled(user):
        raise NoSecondFactor("Set an authenticator app up first.")
    _prove(user=user, code=code, password=password, now=now)
    with transaction.atomic():
        codes = recovery_codes.replace(user=user, now=now)
        notices.factor_changed(user=user, change=FactorChange.CODES_REPLACED, now=now)
    return codes


def turn_off(*, user: User, code: str = "", password: str = "", now: datetime) -> None:
    """Remove the authenticator app and the recovery codes, with the same proof.

    :raises NoSecondFactor: there is no authenticator app.
    :raises NotProven: neither the code nor the password fits.
    :raises LimitReached: too many did not fit lately.
    """
    if not totp.is_enabled(user):
        raise NoSecondFactor("There is no authenticator app to remove.")
    _prove(user=user, code=code, password=password, now=now)
    totp.remove(user=user, now=now)


def _prove_unless_fresh(
    user: User, login_id: str, code: str, password: str, *, now: datetime
) -> None:
    if is_fresh(user=user, login_id=login_id, now=now):
        return
    if not (code or password):  # no guess, so it does not count as one
        raise NotProven("Your login is a while old: show with your password that it is you.")
    _prove(user=user, code=code, password=password, now=now)


def _prove(*, user: User, code: str = "", password: str = "", now: datetime) -> None:
    limits.check(_LIMIT, user.public_id)
    if password:
        proven = user.check_password(password)
    else:
        proven = bool(_method_of_code(user, code, now=now))
    if not proven:
        raise NotProven
    limits.forget(_LIMIT, user.public_id)


def _method_of_code(user: User, code: str, *, now: datetime) -> str:
    """Take a code; return what it was, "" if it fits nothing."""
    typed = code.replace(" ", "")
    if totp.is_code(typed):
        return TOTP if totp.take(user=user, code=typed, now=now) else ""
    return RECOVERY_CODE if recovery_codes.take(user=user, code=typed, now=now) else ""


def _method_of_passkey(user: User, answer: Mapping[str, Any], *, now: datetime) -> str:
    try:
        owner = passkeys.finish_login(answer=answer, now=now)
    except passkeys.InvalidPasskey:
        return ""
    return PASSKEY if owner.pk == user.pk else ""
