"""A phone's passkeys in software: it answers challenges as a browser would."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

ORIGIN = "https://orsta.example"
_PRESENT, _VERIFIED = AuthenticatorData.FLAG.UP, AuthenticatorData.FLAG.UV


@dataclass
class Authenticator:
    """One credential on one device; what it signs can be bent for the tests' sake."""

    origin: str = ORIGIN
    domain: str = "orsta.example"
    flags: int = _PRESENT | _VERIFIED
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.create`."""
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(b"\0" * 16, self.credential_id, public)
        data = self._data(AuthenticatorData.FLAG.AT, credential)
        attestation = AttestationObject.create("none", data, {})
        return self._answer(
            clientDataJSON=self._client_data("webauthn.create", options),
            attestationObject=bytes(attestation),
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.get`."""
        client_data = self._client_data("webauthn.get", options)
        data = self._data()
        signed = bytes(data) + hashlib.sha256(client_data).digest()
        return self._answer(
            clientDataJSON=client_data,
            authenticatorData=bytes(data),
            signature=self.key.sign(signed, ec.ECDSA(hashes.SHA256())),
        )

    def _client_data(self, type_: str, options: dict[str, Any]) -> bytes:
        challenge = options["publicKey"]["challenge"]
        members = {"type": type_, "challenge": challenge, "origin": self.origin}
        return json.dumps(members).encode()

    def _data(self, flags: int = 0, credential: bytes = b"") -> AuthenticatorData:
        domain = hashlib.sha256(self.domain.encode()).digest()
        return AuthenticatorData.create(
            domain, self.flags | flags, self.counter, credential, extensions=None
        )

    def _answer(self, **response: bytes) -> dict[str, Any]:
        credential_id = websafe_encode(self.credential_id)
        return {
            "id": credential_id,
            "rawId": credential_id,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {name: websafe_encode(value) for name, value in response.items()},
        }


def garbage() -> list[Any]:
    """Return answers that no browser gives."""
    whole = Authenticator().create({"publicKey": {"challenge": websafe_encode(b"c" * 32)}})
    bent = {**whole, "response": {**whole["response"], "attestationObject": "AAAA"}}
    map_without_members = websafe_encode(cbor.encode({}))
    empty = {
        **whole,
        "response": {**whole["response"], "attestationObject": map_without_members},
    }
    return [{}, {"id": 1}, {**whole, "response": None}, {**whole, "rawId": "%%"}, bent, empty]
