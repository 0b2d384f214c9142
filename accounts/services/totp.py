"""Authenticator apps (RFC 6238): six digits of a shared secret and the time."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import TotpDevice, User
from accounts.services import audit, notices, recovery_codes
from accounts.services.notices import FactorChange
from orsta.core import errors

DIGITS = 6
STEP = timedelta(seconds=30)
_DRIFT = 1  # steps: a phone's clock may be half a minute off (RFC 6238, section 5.2)
LIFETIME = timedelta(minutes=15)  # of a secret that no code confirmed
_ISSUER = "Orsta"


class TotpEnabled(errors.Conflict):
    """The person has an authenticator app already."""

    code = "totp_enabled"


class TotpNotStarted(errors.Conflict):
    """There is no authenticator app that waits for its first code."""

    code = "totp_not_started"


class TotpMismatch(errors.Invalid):
    """The app that shall be confirmed shows something else."""

    code = "totp_mismatch"

    def __init__(self) -> None:
        sentence = "This is not the code we expect now; wait for the next one and try again."
        super().__init__(sentence, fields={"code": [sentence]})


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app has to know. Show it to its owner alone."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@transaction.atomic
def begin(*, user: User, now: datetime) -> Enrolment:
    """Make a secret, in place of one that was never confirmed.

    :raises TotpEnabled: an app is in use; it must be removed first.
    """
    secret = pyotp.random_base32()
    fresh = {"secret": secret, "created_at": now}
    device, created = TotpDevice.objects.get_or_create(user=user, defaults=fresh)
    waiting = TotpDevice.objects.filter(pk=device.pk, confirmed_at=None)
    if not created and waiting.update(**fresh) != 1:
        raise TotpEnabled("You have an authenticator app already; remove it first.")
    return _enrolment(user, secret)


def waiting(user: User, *, now: datetime) -> Enrolment | None:
    """Return what was begun and not confirmed yet, for a page that is shown again."""
    device = _unconfirmed(user, now=now).first()
    return _enrolment(user, device.secret) if device else None


@transaction.atomic
def confirm(*, user: User, code: str, now: datetime) -> list[str]:
    """Turn the app on with its first code; return the recovery codes, for the only time.

    :raises TotpNotStarted: there is nothing to confirm, or it began too long ago.
    :raises TotpMismatch: the app shows other codes.
    """
    device = _unconfirmed(user, now=now).first()
    if device is None:
        raise TotpNotStarted("Ask for a secret first.")
    # Of this secret: another window may have begun again in between.
    waiting = TotpDevice.objects.filter(
        pk=device.pk, confirmed_at=None, created_at=device.created_at
    )
    step = _step_of(device, code, now=now)
    if step is None or waiting.update(confirmed_at=now, last_step=step) != 1:
        raise TotpMismatch
    audit.record(action="totp.enabled", actor=user.public_id, now=now, target=user.public_id)
    notices.factor_changed(user=user, change=FactorChange.TOTP_ADDED, now=now)
    return recovery_codes.replace(user=user, now=now)


def take(*, user: User, code: str, now: datetime) -> bool:
    """Say whether the app shows this code now. Each code works once, in whichever window."""
    device = TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).first()
    step = _step_of(device, code, now=now) if device else None
    if device is None or step is None:
        return False
    unseen = TotpDevice.objects.filter(pk=device.pk, last_step__lt=step)
    return unseen.update(last_step=step) == 1


@transaction.atomic
def remove(*, user: User, now: datetime, actor: str = "") -> None:
    """Forget the app and the recovery codes; none is fine, and one never confirmed no news.

    :param actor: the member of staff who does it; "" for the person itself.
    """
    was_enabled = is_enabled(user)
    TotpDevice.objects.filter(user=user).delete()
    user.recovery_codes.all().delete()
    if not was_enabled:
        return
    audit.record(
        action="totp.disabled",
        actor=actor or user.public_id,
        now=now,
        target=user.public_id,
    )
    own = actor in {"", user.public_id}
    change = FactorChange.TOTP_REMOVED if own else FactorChange.TOTP_REMOVED_BY_STAFF
    notices.factor_changed(user=user, change=change, now=now)


def is_enabled(user: User) -> bool:
    """Say whether the person has an app that was confirmed."""
    return TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).exists()


def is_code(text: str) -> bool:
    """Say whether a text looks like an app's code; recovery codes do not."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def _unconfirmed(user: User, *, now: datetime) -> QuerySet[TotpDevice]:
    # Not for ever: the secret was given to who had just shown that it is them.
    return TotpDevice.objects.filter(
        user=user, confirmed_at=None, created_at__gt=now - LIFETIME
    )


def _enrolment(user: User, secret: str) -> Enrolment:
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=_ISSUER)
    return Enrolment(secret, uri)


def _step_of(device: TotpDevice, code: str, *, now: datetime) -> int | None:
    """Return the time step that a code belongs to, if it is a recent one not seen yet."""
    digits = code.replace(" ", "")
    if not is_code(digits):
        return None
    generator = pyotp.HOTP(device.secret)
    current = int(now.timestamp() // STEP.total_seconds())
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        if step > device.last_step and hmac.compare_digest(generator.at(step), digits):
            return step
    return None
