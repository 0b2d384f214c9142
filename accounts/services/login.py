"""Log people in and out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models.functions import Lower

from accounts import keys as formats
from accounts import selectors
from accounts.models import LoginSession, Tenant, User
from accounts.services import audit, passkeys, second_factors, throttle, tokens
from accounts.services.tokens import Tokens
from orsta.core import errors
from orsta.core.outbox.services import emit

LIFETIME = tokens.ACCESS_LIFETIME
MAX_LIFETIME = timedelta(days=90)  # of a login, however often it is refreshed
_USER_AGENT_LENGTH = 200  # of the column


class InvalidCredentials(errors.Unauthenticated):
    """The one answer to every wrong credential: it does not tell which part was wrong."""

    code = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__("Invalid credentials")


class SecondFactorRequired(errors.Unauthenticated):
    """The password is right; a second factor is still to come, together with `pending`."""

    code = "second_factor_required"


class NoWorkspace(errors.Denied):
    """The person is known, but works for no tenant: staff use the admin."""

    code = "no_workspace"


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A new login of a person in a tenant."""

    user: User
    tenant: Tenant
    tokens: Tokens
    api_key_masked: str


def log_in(
    *,
    name: str,
    password: str,
    code: str = "",
    ip: str | None = None,
    user_agent: str = "",
    now: datetime,
) -> LoggedIn:
    """Exchange a password, and a second factor of whoever has one, for a login.

    :param name: an e-mail address or a user name, in whatever case.
    :param code: the second factor in one go, if it is known already.
    :raises InvalidCredentials: unknown name, wrong password or a person shut out; all of
        them cost one password hash.
    :raises SecondFactorRequired: the password alone is not enough; `pending` goes on.
    :raises second_factors.WrongCode: the code does not fit.
    :raises NoWorkspace: the password is right, and there is nothing to log in to.
    :raises LimitReached: too many attempts on this account or from this address.
    """
    throttle.log_in(name=name, address=ip)
    user = _authenticate(name, password)
    if methods := second_factors.methods_of(user):
        if not code:
            raise SecondFactorRequired(
                "A second factor is needed.",
                pending=second_factors.begin(user=user, now=now),
                methods=methods,
            )
        second_factors.verify(user=user, code=code, now=now)
    throttle.logged_in(name=name)
    return let_in(user=user, ip=ip, user_agent=user_agent, now=now)


def finish(
    *,
    pending: str,
    code: str = "",
    passkey: Mapping[str, Any] | None = None,
    ip: str | None = None,
    user_agent: str = "",
    now: datetime,
) -> LoggedIn:
    """Go on with a login that waits for its second factor.

    :raises second_factors.WrongCode: the factor does not fit; it may be tried again.
    :raises second_factors.PendingLoginOver: it was tried too often or too late.
    :raises NoWorkspace: there is nothing to log in to.
    """
    user = second_factors.take(pending=pending, code=code, passkey=passkey, now=now)
    throttle.logged_in(name=user.email)
    throttle.logged_in(name=user.username)
    return let_in(user=user, ip=ip, user_agent=user_agent, now=now)


def log_in_with_passkey(
    *, answer: Mapping[str, Any], ip: str | None = None, user_agent: str = "", now: datetime
) -> LoggedIn:
    """Let in whoever signed our challenge: a passkey is a password and a factor in one.

    :raises passkeys.InvalidPasskey: it opens nothing.
    :raises NoWorkspace: there is nothing to log in to.
    :raises LimitReached: too many attempts from this address.
    """
    throttle.try_passkey(address=ip)
    user = passkeys.finish_login(answer=answer, now=now)
    return let_in(user=user, ip=ip, user_agent=user_agent, now=now)


def let_in(*, user: User, ip: str | None, user_agent: str, now: datetime) -> LoggedIn:
    """Open a login for somebody who has proven who they are, in whichever way.

    :param user: as read before the proof: a password that was replaced since, which ended
        every login, lets nobody in.
    :raises InvalidCredentials: it was, or the person is shut out.
    :raises NoWorkspace: there is nothing to log in to.
    """
    tenant = selectors.tenant_of(user)
    if tenant is None:
        raise NoWorkspace("You belong to no workspace. Staff log in to the admin.")
    same = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
    with transaction.atomic():
        opened = open_session(user=user, tenant=tenant, ip=ip, user_agent=user_agent, now=now)
        if same.update(last_login=now) != 1:
            raise InvalidCredentials
    key = selectors.current_api_key(tenant=tenant)
    return LoggedIn(user, tenant, opened, selectors.masked_key(key) if key else "")


def open_session(
    *, user: User, tenant: Tenant, ip: str | None, user_agent: str, now: datetime
) -> Tokens:
    """Store a login and return its tokens, in the caller's transaction."""
    key = formats.mint(formats.KeyType.LOGIN_TOKEN)
    row = LoginSession.objects.create(
        tenant=tenant,
        user=user,
        ip=ip,
        user_agent=user_agent[:_USER_AGENT_LENGTH],
        expires_at=now + LIFETIME,
        ends_at=now + MAX_LIFETIME,
        **tokens.stored(key),
    )
    audit.record(
        action="login_session.opened",
        actor=user.public_id,
        now=now,
        tenant=tenant,
        target=row.public_id,
        ip=ip,
    )
    return Tokens(key.render(), tokens.issue_refresh(login_session=row, now=now))


def log_out(*, token: str, now: datetime) -> None:
    """End the login of a token at once; a token that opens nothing is fine."""
    login_session = selectors.login_session_of(token, now=now)
    if login_session is not None:
        revoke(login_session=login_session, now=now, actor=login_session.user.public_id)


@transaction.atomic
def revoke(*, login_session: LoginSession, now: datetime, actor: str = audit.SYSTEM) -> None:
    """End one login, and with it its open sockets; one that ended stays as it is."""
    open_ = LoginSession.objects.filter(pk=login_session.pk, revoked_at=None)
    if open_.update(revoked_at=now) != 1:
        return
    selectors.forget(login_session.public_id)
    tenant = login_session.tenant
    audit.record(
        action="login_session.revoked",
        actor=actor,
        now=now,
        tenant=tenant,
        target=login_session.public_id,
    )
    emit(
        "login_session.revoked",
        tenant_id=tenant.pk,
        shard=f"tenant:{tenant.public_id}",
        credential_id=login_session.public_id,
    )


@transaction.atomic
def revoke_all(*, user: User, now: datetime, actor: str = audit.SYSTEM, but: str = "") -> int:
    """End every login of a person; return how many were open.

    :param but: the public id of one to leave open.
    """
    open_ = LoginSession.objects.filter(user=user, revoked_at=None, ends_at__gt=now)
    others = open_.exclude(public_id=but) if but else open_
    logins = list(others.select_related("tenant").order_by("pk"))
    for login in logins:
        revoke(login_session=login, now=now, actor=actor)
    return len(logins)


def _authenticate(name: str, password: str) -> User:
    user = _named(name.strip().lower())
    if user is None:
        # An unusable hash makes Django hash the password all the same: equal work.
        check_password(password, make_password(None))
        raise InvalidCredentials
    if not user.check_password(password) or not user.is_active:
        raise InvalidCredentials
    return user


def _named(name: str) -> User | None:
    """Return whoever has the address or the user name; no user name has an @."""
    if "@" in name:
        return User.objects.filter(email=name).first()
    # Lower() as in the index user_username_once; iexact would compare upper case.
    return User.objects.alias(lower=Lower("username")).filter(lower=name).first()
