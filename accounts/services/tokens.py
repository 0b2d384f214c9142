"""The tokens of a login: made, stored as keyed digests, replaced."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts import keys
from accounts.models import LoginSession, RefreshToken
from orsta.core import crypto

ACCESS_LIFETIME = timedelta(days=7)  # of what the cookie or the header carries
REFRESH_LIFETIME = timedelta(days=30)  # each refresh starts it anew


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login is carried on with. They exist in memory only: hand them out once."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


def stored(key: keys.Key) -> dict[str, str]:
    """Return the columns of a `Credential` for a new key."""
    pepper_id, digest = crypto.digest(key.secret)
    return {
        "key_id": key.key_id,
        "digest": digest,
        "pepper_id": pepper_id,
        "hint": key.hint,
    }


def renew(*, login_session: LoginSession, now: datetime) -> Tokens:
    """Replace the access token in its place and add a refresh token.

    In the caller's transaction.
    """
    key = keys.mint(keys.KeyType.LOGIN_TOKEN)
    LoginSession.objects.filter(pk=login_session.pk).update(
        expires_at=min(now + ACCESS_LIFETIME, login_session.ends_at),
        last_used_at=now,
        **stored(key),
    )
    return Tokens(key.render(), issue_refresh(login_session=login_session, now=now))


def issue_refresh(*, login_session: LoginSession, now: datetime) -> str:
    """Store a refresh token of a login and return it, in the caller's transaction."""
    key = keys.mint(keys.KeyType.REFRESH_TOKEN)
    RefreshToken.objects.create(
        login_session=login_session,
        expires_at=min(now + REFRESH_LIFETIME, login_session.ends_at),
        **stored(key),
    )
    return key.render()
