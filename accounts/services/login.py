"""Log people in and out."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from accounts import keys as formats
from accounts import selectors
from accounts.models import LoginSession, Tenant, User
from accounts.services import audit
from orsta.core import crypto, errors
from orsta.core.outbox.services import emit

LIFETIME = timedelta(days=7)
_USER_AGENT_LENGTH = 200  # of the column


class InvalidCredentials(errors.Unauthenticated):
    """The one answer to every wrong credential: it does not tell which part was wrong."""

    code = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__("Invalid credentials")


class NoWorkspace(errors.Denied):
    """The person is known, but works for no tenant: staff use the admin."""

    code = "no_workspace"


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A new login. `token` exists in memory only: hand it out once, store it nowhere."""

    user: User
    tenant: Tenant
    token: str = field(repr=False)
    api_key_masked: str


def log_in(
    *, email: str, password: str, ip: str | None = None, user_agent: str = "", now: datetime
) -> LoggedIn:
    """Exchange an e-mail address and a password for a login token.

    :raises InvalidCredentials: unknown address, wrong password or a person shut out; all of
        them cost one password hash.
    :raises NoWorkspace: the password is right, and there is nothing to log in to.
    """
    user = _authenticate(email, password)
    tenant = selectors.tenant_of(user)
    if tenant is None:
        raise NoWorkspace("You belong to no workspace. Staff log in to the admin.")
    with transaction.atomic():
        token = open_session(user=user, tenant=tenant, ip=ip, user_agent=user_agent, now=now)
        User.objects.filter(pk=user.pk).update(last_login=now)
    key = selectors.current_api_key(tenant=tenant)
    return LoggedIn(user, tenant, token, selectors.masked_key(key) if key else "")


def open_session(
    *, user: User, tenant: Tenant, ip: str | None, user_agent: str, now: datetime
) -> str:
    """Store a login and return its token, in the caller's transaction."""
    key = formats.mint(formats.KeyType.LOGIN_TOKEN)
    pepper_id, digest = crypto.digest(key.secret)
    row = LoginSession.objects.create(
        tenant=tenant,
        user=user,
        key_id=key.key_id,
        digest=digest,
        pepper_id=pepper_id,
        hint=key.hint,
        ip=ip,
        user_agent=user_agent[:_USER_AGENT_LENGTH],
        expires_at=now + LIFETIME,
    )
    audit.record(
        action="login_session.opened",
        actor=user.public_id,
        now=now,
        tenant=tenant,
        target=row.public_id,
        ip=ip,
    )
    return key.render()


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
def revoke_all(*, user: User, now: datetime, actor: str = audit.SYSTEM) -> int:
    """End every login of a person; return how many were open."""
    open_ = LoginSession.objects.filter(user=user, revoked_at=None, expires_at__gt=now)
    logins = list(open_.select_related("tenant").order_by("pk"))
    for login in logins:
        revoke(login_session=login, now=now, actor=actor)
    return len(logins)


def _authenticate(email: str, password: str) -> User:
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        # An unusable hash makes Django hash the password all the same: equal work.
        check_password(password, make_password(None))
        raise InvalidCredentials
    if not user.check_password(password) or not user.is_active:
        raise InvalidCredentials
    return user
