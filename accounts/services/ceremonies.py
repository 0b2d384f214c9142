"""WebAuthn ceremonies: what browsers are asked to sign, and whether they did.

`fido2` checks signatures; the challenge is a row of ours that whoever answers it takes away,
so it works once, in whichever process, and needs no cookie.
"""

import hashlib
import ipaddress
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.models import Ceremony, CeremonyKind, User
from orsta.core import errors

LIFETIME = timedelta(minutes=5)  # of a challenge
_VERIFIED = UserVerificationRequirement.REQUIRED  # PIN or biometrics: two factors in one


class PasskeysUnavailable(errors.Conflict):
    """The console has no domain that passkeys could belong to."""

    code = "passkeys_unavailable"


class Unacceptable(ValueError):
    """What a browser sent answers no challenge of ours, or not as asked."""


def origin() -> str:
    """Return the only origin whose pages may use our passkeys, as browsers write it."""
    parts = urlsplit(settings.ORSTA_PUBLIC_URL)
    return f"{parts.scheme}://{parts.netloc}"


def available() -> bool:
    """Say whether the console's address can have passkeys: a domain, not an IP address."""
    try:
        ipaddress.ip_address(_domain())
    except ValueError:
        return bool(_domain())
    return False


def ask_to_register(
    entity: PublicKeyCredentialUserEntity,
    known: Sequence[AttestedCredentialData] = (),
    *,
    user: User | None = None,
    email: str = "",
    now: datetime,
) -> dict[str, Any]:
    """Return the options for `navigator.credentials.create`, as JSON.

    :param known: what the person has already; no device makes a second one.
    :param email: whose passkey it will be, when there is no `user` yet.
    :raises PasskeysUnavailable: see `available`.
    """
    options, state = _server().register_begin(
        entity,
        known,
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=_VERIFIED,
    )
    _remember(CeremonyKind.REGISTER, {**state, "email": email}, user=user, now=now)
    return _plain(options)


def ask_to_log_in(*, now: datetime) -> dict[str, Any]:
    """Return the options for `navigator.credentials.get`: any passkey of ours will do.

    :raises PasskeysUnavailable: see `available`.
    """
    options, state = _server().authenticate_begin(user_verification=_VERIFIED)
    _remember(CeremonyKind.LOGIN, state, user=None, now=now)
    return _plain(options)


def take_registration(
    answer: Mapping[str, Any], *, user: User | None = None, email: str = "", now: datetime
) -> AuthenticatorData:
    """Return what a browser made for options of this user, or of this address.

    :raises Unacceptable: it answers no challenge of theirs, or not as asked.
    """
    try:
        parsed = RegistrationResponse.from_dict(answer)
        challenge = parsed.response.client_data.challenge
        made = parsed.response.attestation_object.auth_data.credential_data
    except Exception as error:  # bytes of strangers: CBOR, JSON and structs fail in many ways
        raise Unacceptable from error
    row = _take(challenge, CeremonyKind.REGISTER, now=now)
    owner = (user.pk if user else None, email)
    if (row.user_id, row.state["email"]) != owner:
        raise Unacceptable
    if made is None or made.public_key.ALGORITHM not in CoseKey.supported_algorithms():
        raise Unacceptable
    return _server().register_complete(row.state, parsed)


def parse_login(answer: Mapping[str, Any]) -> AuthenticationResponse:
    """Read what a browser signed; nothing of it is checked yet.

    :raises Unacceptable: it is something else.
    """
    try:
        return AuthenticationResponse.from_dict(answer)
    except Exception as error:  # as above
        raise Unacceptable from error


def take_login(
    answer: AuthenticationResponse, known: AttestedCredentialData, *, now: datetime
) -> None:
    """Check that a known credential signed a challenge of ours, which is used up by that.

    :raises ValueError: it did not, or the challenge was used before or is too old.
    """
    row = _take(answer.response.client_data.challenge, CeremonyKind.LOGIN, now=now)
    _server().authenticate_complete(row.state, [known], answer)


def _domain() -> str:
    return urlsplit(settings.ORSTA_PUBLIC_URL).hostname or ""


def _server() -> Fido2Server:
    if not available():
        raise PasskeysUnavailable(
            "Passkeys need the console to have a domain name; see ORSTA_PUBLIC_URL."
        )
    party = PublicKeyCredentialRpEntity(id=_domain(), name="Orsta")
    # Exactly our origin: by default every subdomain and port might ask.
    ours = origin()
    return Fido2Server(party, verify_origin=lambda presented: presented == ours)


def _remember(
    kind: CeremonyKind, state: dict[str, Any], *, user: User | None, now: datetime
) -> None:
    Ceremony.objects.create(
        kind=kind,
        challenge_digest=_digest(websafe_decode(state["challenge"])),
        state=state,
        user=user,
        expires_at=now + LIFETIME,
    )


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the library's objects into what JSON knows."""
    plain: dict[str, Any] = json.loads(json.dumps(options, default=dict))
    return plain


def _take(challenge: bytes, kind: CeremonyKind, *, now: datetime) -> Ceremony:
    row = Ceremony.objects.filter(
        challenge_digest=_digest(challenge), kind=kind, expires_at__gt=now
    ).first()
    # Of two who bring the same answer, one deletes the row.
    if row is None or Ceremony.objects.filter(pk=row.pk).delete()[0] != 1:
        raise Unacceptable
    return row


def _digest(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()
