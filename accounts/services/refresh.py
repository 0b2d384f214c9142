"""Prolong a login: a refresh token works once, and brings the next one.

A used token that comes again is a copy: whoever has it, thief or owner, the whole login ends.
"""

from datetime import datetime

from django.db import transaction

from accounts import keys
from accounts.models import LoginSession, Membership, RefreshToken, TenantStatus
from accounts.selectors import lookup
from accounts.services import audit, login, tokens
from orsta.core import errors


class InvalidRefreshToken(errors.Unauthenticated):
    """There is no refresh token, or it prolongs nothing; log in again."""

    code = "invalid_refresh_token"

    def __init__(self) -> None:
        super().__init__("This login cannot be prolonged; please log in again.")


class RefreshTokenReused(errors.Unauthenticated):
    """The refresh token was used before, so somebody has a copy: the login was ended."""

    code = "refresh_token_reused"

    def __init__(self) -> None:
        super().__init__("This refresh token was used before; the login was ended.")


def rotate(*, token: str, now: datetime) -> tokens.Tokens:
    """Exchange a refresh token for new tokens of the same login; the old ones end.

    Call it outside of a transaction: that a login was ended has to last.

    :raises InvalidRefreshToken: it is not one, or the login is over.
    :raises RefreshTokenReused: it was used before.
    """
    presented = lookup.find(RefreshToken.objects.all(), token, keys.KeyType.REFRESH_TOKEN)
    if presented is None:
        raise InvalidRefreshToken
    with transaction.atomic():
        login_session = _lock(presented, now=now)
        fresh = _exchange(presented, login_session, now=now)
    if fresh is None:
        raise RefreshTokenReused
    return fresh


def _lock(token: RefreshToken, *, now: datetime) -> LoginSession:
    """Hold the login: of two refreshes at once, the second one sees what the first did."""
    living = LoginSession.objects.filter(
        pk=token.login_session_id, revoked_at=None, ends_at__gt=now, user__is_active=True
    ).exclude(tenant__status=TenantStatus.PURGED)
    locked = living.select_related("user", "tenant").select_for_update(of=("self",))
    held: LoginSession | None = locked.first()
    if held is None:
        raise InvalidRefreshToken
    if not Membership.objects.for_tenant(held.tenant).filter(user=held.user).exists():
        raise InvalidRefreshToken
    return held


def _exchange(
    token: RefreshToken, login_session: LoginSession, *, now: datetime
) -> tokens.Tokens | None:
    """Return the new tokens; None if the old one was used before, and the login ended."""
    unused = RefreshToken.objects.filter(pk=token.pk, used_at=None)
    if not unused.exists():
        _end(login_session, now=now)
        return None
    if unused.filter(expires_at__gt=now).update(used_at=now) != 1:
        raise InvalidRefreshToken
    return tokens.renew(login_session=login_session, now=now)


def _end(login_session: LoginSession, *, now: datetime) -> None:
    audit.record(
        action="refresh_token.reused",
        actor=login_session.user.public_id,
        now=now,
        tenant=login_session.tenant,
        target=login_session.public_id,
    )
    login.revoke(login_session=login_session, now=now)
