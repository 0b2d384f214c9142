"""Let a new customer in."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.contrib.auth import password_validation
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.models import Membership, Role, Tenant, User
from accounts.services import audit, keys, login
from orsta.core import errors
from orsta.core.outbox.services import emit

MAX_USERNAME_LENGTH = 40
MAX_EMAIL_LENGTH = 254  # RFC 5321: a path of 256 with its brackets
MAX_PASSWORD_LENGTH = 256
_USERNAME = re.compile(rf"[A-Za-z0-9_.-]{{3,{MAX_USERNAME_LENGTH}}}")
_USERNAME_RULE = (
    f"Use 3 to {MAX_USERNAME_LENGTH} characters of A-Z, a-z, 0-9, dot, dash and underscore."
)
_TAKEN = {"user_email_once", "user_email_exact", "user_username_once"}


class AlreadyExists(errors.Conflict):
    """Somebody has the user name or the e-mail address."""

    code = "account_exists"


class InvalidSignUp(errors.Invalid):
    """The input breaks a rule; `fields` says which."""

    code = "invalid_input"


@dataclass(frozen=True, slots=True)
class SignedUp:
    """A new customer. `token` and `api_key` exist in memory only: show them once."""

    user: User
    tenant: Tenant
    token: str = field(repr=False)
    api_key: str = field(repr=False)


def sign_up(
    *,
    username: str,
    email: str,
    password: str,
    ip: str | None = None,
    user_agent: str = "",
    now: datetime,
) -> SignedUp:
    """Create a person, the tenant it owns, an inactive API key, and a first login.

    :raises InvalidSignUp: a value breaks a rule.
    :raises AlreadyExists: the user name or the address is taken, in whatever case.
    """
    user = User(username=username, email=email.strip())
    _check(user, password)
    user.email = user.email.lower()
    user.password = make_password(password)  # slow on purpose, so before the transaction
    try:
        with transaction.atomic():
            return _create(user, ip=ip, user_agent=user_agent, now=now)
    except IntegrityError as error:
        if _constraint(error) in _TAKEN:
            raise AlreadyExists("Username or email already exists") from error
        raise


def _check(user: User, password: str) -> None:
    rules = {
        "username": partial(_check_username, user.username),
        "email": partial(_check_email, user.email),
        "password": partial(_check_password, password, user),
    }
    problems: dict[str, list[str]] = {}
    for name, rule in rules.items():
        try:
            rule()
        except ValidationError as error:
            problems[name] = error.messages
    if problems:
        raise InvalidSignUp("The input has errors; see the fields.", fields=problems)


def _check_username(username: str) -> None:
    if not _USERNAME.fullmatch(username):
        raise ValidationError(_USERNAME_RULE)


def _check_email(email: str) -> None:
    # ASCII only, and checked before lower(), which turns some other letters into ASCII: two
    # addresses that look alike must not be two accounts.
    if len(email) > MAX_EMAIL_LENGTH or not email.isascii():
        raise ValidationError("Enter a valid email address.")
    validate_email(email)


def _check_password(password: str, user: User) -> None:
    if len(password) > MAX_PASSWORD_LENGTH:
        raise ValidationError(f"Use up to {MAX_PASSWORD_LENGTH} characters.")
    password_validation.validate_password(password, user)


def _create(user: User, *, ip: str | None, user_agent: str, now: datetime) -> SignedUp:
    user.save(force_insert=True)
    tenant = Tenant.objects.create(name=user.username)
    Membership.objects.create(tenant=tenant, user=user, role=Role.OWNER)
    audit.record(
        action="tenant.created",
        actor=user.public_id,
        now=now,
        tenant=tenant,
        target=tenant.public_id,
        ip=ip,
    )
    emit(
        "tenant.created",
        tenant_id=tenant.pk,
        shard=f"tenant:{tenant.public_id}",
        tenant=tenant.public_id,
    )
    key = keys.issue(tenant=tenant, user=user, now=now)
    token = login.open_session(user=user, tenant=tenant, ip=ip, user_agent=user_agent, now=now)
    return SignedUp(user, tenant, token, key.text)


def _constraint(error: IntegrityError) -> str | None:
    """Return the name of the constraint; psycopg carries it on the cause."""
    diagnostic = getattr(error.__cause__, "diag", None)
    return getattr(diagnostic, "constraint_name", None)
