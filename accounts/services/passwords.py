"""Passwords: the rules, the reset by mail, the change by whoever knows the old one."""

from datetime import datetime

from django.contrib.auth import password_validation
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import LinkPurpose, PendingLogin, User
from accounts.services import audit, login, mail, passkeys, proofs, throttle, totp
from orsta.core import errors

MAX_LENGTH = 256


class InvalidPassword(errors.Invalid):
    """The new password breaks a rule; `fields` says which."""

    code = "invalid_input"


class WrongPassword(errors.Denied):
    """The current password is not right."""

    code = "wrong_password"


def check(password: str, user: User | None = None) -> None:
    """Apply the rules.

    :raises django.core.exceptions.ValidationError: one of them is broken.
    """
    if len(password) > MAX_LENGTH:
        raise ValidationError(f"Use up to {MAX_LENGTH} characters.")
    password_validation.validate_password(password, user)


def ask_reset(*, email: str, ip: str | None = None) -> None:
    """Have a reset mailed, if the address has an account; it looks the same if it has none.

    :raises LimitReached: too many mails to this address, or asked for from this one.
    """
    throttle.ask_for_mail(email=email, address=ip)
    proofs.ask(email=email, purpose=LinkPurpose.RESET)


def reset(
    *, shown: proofs.Shown, new_password: str, ip: str | None = None, now: datetime
) -> User:
    """Set a new password for who can read the mail, and end all their logins.

    :raises proofs.InvalidProof: the link or code opens nothing.
    :raises InvalidPassword: the password breaks a rule; the link or code still works.
    :raises LimitReached: too many attempts.
    """
    throttle.try_code(name=shown.email, address=ip)
    hashed = make_password(new_password)  # slow, so before the transaction; equal work for all
    proofs.count_attempt(shown=shown, purpose=LinkPurpose.RESET, now=now)
    with transaction.atomic():
        user = proofs.take(shown=shown, purpose=LinkPurpose.RESET, now=now)
        _require(new_password, user)
        if user.email_verified_at is None:
            _end_other_ways_in(user, now)
        user.email_verified_at = user.email_verified_at or now  # they read the mail
        user.save(update_fields=["email_verified_at"])
        _set(user, hashed, action="password.reset", now=now)
        login.revoke_all(user=user, now=now, actor=user.public_id)
    return user


def change(
    *,
    user: User,
    current_password: str,
    new_password: str,
    login_id: str = "",
    ip: str | None = None,
    now: datetime,
) -> None:
    """Replace a password by who knows it, and end the person's other logins.

    :param login_id: the public id of the login that stays open.
    :raises WrongPassword: the current one is not right.
    :raises InvalidPassword: the new one breaks a rule.
    :raises LimitReached: too many attempts.
    """
    throttle.log_in(name=user.email, address=ip)
    if not user.check_password(current_password):
        raise WrongPassword("The current password is not right.")
    throttle.logged_in(name=user.email)
    _require(new_password, user)
    hashed = make_password(new_password)
    with transaction.atomic():
        _set(user, hashed, action="password.changed", now=now)
        login.revoke_all(user=user, now=now, actor=user.public_id, but=login_id)


def set_by_staff(*, user: User, actor: str, now: datetime) -> None:
    """End what was opened with the password that staff just replaced, and tell the person.

    In the caller's transaction.

    :param actor: the member of staff.
    """
    _end_old(user, action="password.set", actor=actor, now=now)
    login.revoke_all(user=user, now=now, actor=actor)


def _end_other_ways_in(user: User, now: datetime) -> None:
    """Remove the factors of whoever signed up: nobody knows yet that the address is theirs.

    Anybody can sign up with a stranger's address, add a passkey and wait until the stranger
    takes the account over by a reset (https://arxiv.org/abs/2205.10174).
    """
    passkeys.remove_all(user=user, now=now)
    totp.remove(user=user, now=now)


def _require(password: str, user: User) -> None:
    try:
        check(password, user)
    except ValidationError as error:
        fields = {"new_password": error.messages}
        raise InvalidPassword("The password breaks a rule.", fields=fields) from error


def _set(user: User, hashed: str, *, action: str, now: datetime) -> None:
    """Store it; what was begun with the old password or the old mails ends."""
    User.objects.filter(pk=user.pk).update(password=hashed)
    _end_old(user, action=action, actor=user.public_id, now=now)


def _end_old(user: User, *, action: str, actor: str, now: datetime) -> None:
    PendingLogin.objects.filter(user=user, used_at=None).update(used_at=now)
    proofs.void(user=user, now=now, purpose=LinkPurpose.RESET)
    audit.record(action=action, actor=actor, now=now, target=user.public_id)
    mail.queue(
        template="password_changed",
        to=user.email,
        context={"username": user.username, "url": mail.link("console/forgot")},
        now=now,
    )
