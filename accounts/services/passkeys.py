"""Passkeys (WebAuthn): register them, log in with them."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticatorData,
    PublicKeyCredentialUserEntity,
)

from accounts.models import Passkey, User
from accounts.services import audit, ceremonies, notices
from accounts.services.notices import FactorChange
from orsta.core import errors

MAX_PASSKEYS = 20  # of a person
MAX_NAME_LENGTH = 80
_FIRST_NAME = "Passkey"  # of one that came with the sign-up
_HANDLE_BYTES = 32  # WebAuthn allows up to 64


class InvalidPasskey(errors.Unauthenticated):
    """The one answer to every passkey that opens nothing: it does not tell why."""

    code = "invalid_passkey"

    def __init__(self) -> None:
        super().__init__("This passkey was not accepted; please try again.")


class PasskeyRefused(errors.Invalid):
    """What the browser made cannot be registered."""

    code = "passkey_refused"


class TooManyPasskeys(errors.Conflict):
    """The person has as many passkeys as one may."""

    code = "too_many_passkeys"


class NoSuchPasskey(errors.Missing):
    """The person has no such passkey."""

    code = "passkey_not_found"


def of(user: User) -> QuerySet[Passkey]:
    """Return a person's passkeys, oldest first."""
    return Passkey.objects.filter(user=user).order_by("pk")


def begin_registration(*, user: User, now: datetime) -> dict[str, Any]:
    """Return the options for `navigator.credentials.create`, as JSON.

    :raises TooManyPasskeys: there is no room for one more.
    :raises ceremonies.PasskeysUnavailable: the console has no domain.
    """
    known = [AttestedCredentialData(bytes(row.credential)) for row in of(user)]
    _check_room(len(known))
    entity = PublicKeyCredentialUserEntity(
        id=user.public_id.encode(), name=user.email, display_name=user.username
    )
    return ceremonies.ask_to_register(entity, known, user=user, now=now)


def begin_signup(*, username: str, email: str, now: datetime) -> dict[str, Any]:
    """Return the same options for somebody who is about to sign up with this address."""
    handle = secrets.token_bytes(_HANDLE_BYTES)  # the person has no id yet
    entity = PublicKeyCredentialUserEntity(id=handle, name=email, display_name=username)
    return ceremonies.ask_to_register(entity, email=email.strip().lower(), now=now)


def register(*, user: User, name: str, answer: Mapping[str, Any], now: datetime) -> Passkey:
    """Keep the passkey that a browser made for options of this person.

    :raises PasskeyRefused: it answers no challenge of theirs, or not as asked.
    :raises TooManyPasskeys: there is no room for it.
    """
    try:
        made = ceremonies.take_registration(answer, user=user, now=now)
    except ValueError as error:
        raise PasskeyRefused("The passkey was not accepted; please try again.") from error
    with transaction.atomic():
        row = _keep(user, name, made, now=now)
        notices.factor_changed(
            user=user, change=FactorChange.PASSKEY_ADDED, passkey=row.name, now=now
        )
    return row


def register_at_signup(*, user: User, response: Mapping[str, Any], now: datetime) -> Passkey:
    """Keep the passkey of somebody who signs up, in the caller's transaction.

    :raises PasskeyRefused: it was not made for this address, or not as asked.
    """
    try:
        made = ceremonies.take_registration(response, email=user.email, now=now)
    except ValueError as error:
        raise PasskeyRefused(
            "The passkey was not made for this sign-up; please try again."
        ) from error
    return _keep(user, _FIRST_NAME, made, now=now)


def begin_login(*, now: datetime) -> dict[str, Any]:
    """Return the options for `navigator.credentials.get`: any passkey of ours will do.

    :raises ceremonies.PasskeysUnavailable: the console has no domain.
    """
    return ceremonies.ask_to_log_in(now=now)


def finish_login(*, answer: Mapping[str, Any], now: datetime) -> User:
    """Return who signed a challenge of ours. Call it outside of a transaction.

    :raises InvalidPasskey: nobody we know, or not as asked.
    """
    try:
        parsed = ceremonies.parse_login(answer)
        row = Passkey.objects.select_related("user").get(
            credential_id=websafe_encode(parsed.raw_id), user__is_active=True
        )
        ceremonies.take_login(parsed, AttestedCredentialData(bytes(row.credential)), now=now)
    except (ValueError, Passkey.DoesNotExist) as error:
        raise InvalidPasskey from error
    _count(row, parsed.response.authenticator_data.counter, now=now)
    return row.user


@transaction.atomic
def remove(*, user: User, public_id: str, now: datetime) -> None:
    """Forget a passkey.

    :raises NoSuchPasskey: the person has none with this id.
    """
    row = of(user).filter(public_id=public_id).first()
    if row is None or not _delete(row, user, now):
        raise NoSuchPasskey("You have no such passkey.")
    notices.factor_changed(
        user=user, change=FactorChange.PASSKEY_REMOVED, passkey=row.name, now=now
    )


def remove_all(*, user: User, now: datetime) -> None:
    """Forget every passkey of a person, in the caller's transaction; the caller tells them."""
    for row in of(user):
        _delete(row, user, now)


def _delete(row: Passkey, user: User, now: datetime) -> bool:
    """Forget a passkey; of two at once, one is too late."""
    if row.delete()[0] != 1:
        return False
    target = row.public_id
    audit.record(action="passkey.removed", actor=user.public_id, now=now, target=target)
    return True


def _check_room(count: int) -> None:
    if count >= MAX_PASSKEYS:
        raise TooManyPasskeys(f"You have {MAX_PASSKEYS} passkeys; remove one first.")


def _keep(user: User, name: str, made: AuthenticatorData, *, now: datetime) -> Passkey:
    credential = AttestedCredentialData(made.credential_data or b"")
    try:
        with transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)  # so that the count holds
            _check_room(of(user).count())
            row = Passkey.objects.create(
                user=user,
                name=name,
                credential_id=websafe_encode(credential.credential_id),
                credential=bytes(credential),
                sign_count=made.counter,
                created_at=now,
            )
            audit.record(
                action="passkey.registered",
                actor=user.public_id,
                now=now,
                target=row.public_id,
            )
    except IntegrityError as error:
        raise PasskeyRefused("This passkey is registered already.") from error
    return row


def _count(row: Passkey, counter: int, *, now: datetime) -> None:
    """Note a use. A counter that does not rise is a copy's; synced passkeys stay at zero."""
    fresh = Q(sign_count__lt=counter)
    if counter == 0:
        fresh |= Q(sign_count=0)
    noted = Passkey.objects.filter(fresh, pk=row.pk)
    if noted.update(sign_count=counter, last_used_at=now) != 1:
        audit.record(
            action="passkey.copy_refused",
            actor=row.user.public_id,
            now=now,
            target=row.public_id,
        )
        raise InvalidPasskey
