"""People's authenticator apps, as the tests have them."""

from datetime import UTC, datetime, timedelta

import pyotp

from accounts.services import totp

NOW = datetime(2026, 3, 1, 12, 0, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)  # another step than the one that confirmed the app


def code_at(secret, now):
    """Return what the app shows at a moment."""
    return pyotp.TOTP(secret).at(now)


def enroll(user, *, now=NOW):
    """Set an app up; return its secret and the recovery codes."""
    secret = totp.begin(user=user, now=now).secret
    return secret, totp.confirm(user=user, code=code_at(secret, now), now=now)


def wrong(secret, now):
    """Return six digits that the app does not show around now."""
    near = {code_at(secret, now + timedelta(seconds=30 * step)) for step in range(-2, 3)}
    return next(f"{n:06}" for n in range(10) if f"{n:06}" not in near)
