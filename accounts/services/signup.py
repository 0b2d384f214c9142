"""Let a new customer in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.models import LinkPurpose, Tenant, User
from accounts.services import keys, login, passkeys, passwords, proofs, tenants, throttle
from accounts.services.tokens import Tokens
from orsta.core import errors

MAX_USERNAME_LENGTH = 40
MAX_EMAIL_LENGTH = 254  # RFC 5321: a path of 256 with its brackets
MAX_PASSWORD_LENGTH = passwords.MAX_LENGTH
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
    """A new customer. `tokens` and `api_key` exist in memory only: show them once."""

    user: User
    tenant: Tenant
    tokens: Tokens
    api_key: str = field(repr=False)


def sign_up(
    *,
    username: str,
    email: str,
    password: str,
    passkey: Mapping[str, Any] | None = None,
    ip: str | None = None,
    user_agent: str = "",
    now: datetime,
) -> SignedUp:
    """Create a person, the tenant it owns, an inactive API key, and a first login.

    A code and a link that verify the address are mailed.

    :param passkey: a browser's answer to the options of a sign-up with this address.
    :raises InvalidSignUp: a value breaks a rule.
    :raises AlreadyExists: the user name or the address is taken, in whatever case.
    :raises passkeys.PasskeyRefused: the passkey was not made for this sign-up.
    :raises LimitReached: too many accounts from this address.
    """
    throttle.sign_up(address=ip)
    user = draft(username=username, email=email, password=password)
    with transaction.atomic():
        save(user)
        if passkey is not None:
            passkeys.register_at_signup(user=user, response=passkey, now=now)
        proofs.issue(user=user, purpose=LinkPurpose.VERIFY, now=now)
        tenant = tenants.create(name=user.username, owner=user, now=now)
        key = keys.issue(tenant=tenant, user=user, now=now)
        opened = login.open_session(
            user=user, tenant=tenant, ip=ip, user_agent=user_agent, now=now
        )
    return SignedUp(user, tenant, opened, key.text)


def draft(*, username: str, email: str, password: str) -> User:
    """Return a person within the rules, its password hashed; `save` stores it.

    Hashing is slow on purpose: call this before the transaction.

    :raises InvalidSignUp: a value breaks a rule.
    """
    user = User(username=username, email=email.strip())
    _check(user, password)
    user.email = user.email.lower()
    user.password = make_password(password)
    return user


def save(user: User) -> None:
    """Store a new person, in the caller's transaction.

    :raises AlreadyExists: the user name or the address is taken, in whatever case.
    """
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        if _constraint(error) in _TAKEN:
            raise AlreadyExists("Username or email already exists") from error
        raise


def clean_email(text: str) -> str:
    """Return an address as accounts have it.

    :raises InvalidSignUp: it is none.
    """
    email = text.strip()
    try:
        _check_email(email)
    except ValidationError as error:
        fields = {"email": error.messages}
        raise InvalidSignUp("The input has errors; see the fields.", fields=fields) from error
    return email.lower()


def _check(user: User, password: str) -> None:
    rules = {
        "username": partial(_check_username, user.username),
        "email": partial(_check_email, user.email),
        "password": partial(passwords.check, password, user),
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


def _constraint(error: IntegrityError) -> str | None:
    """Return the name of the constraint; psycopg carries it on the cause."""
    diagnostic = getattr(error.__cause__, "diag", None)
    return getattr(diagnostic, "constraint_name", None)
