"""Secrets at rest: AES-256-GCM with a key ring, and keyed digests with peppers.

`settings.ORSTA_FIELD_KEYS` and `settings.ORSTA_KEY_PEPPERS` map key ids to 32 raw bytes; the
first entry writes, all of them read. Rotation: put the new key first, rewrite, drop the old.
"""

import base64
import hashlib
import hmac
import os
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

_NONCE_BYTES = 12  # NIST SP 800-38D, section 8.2
_VERSION = "v1"


def encrypt(text: str, *, context: str) -> str:
    """Return `v1:<key id>:<base64>`; the same `context` is needed to read it again."""
    key_id, key = next(iter(settings.ORSTA_FIELD_KEYS.items()))
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), context.encode())
    return f"{_VERSION}:{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(sealed: str, *, context: str) -> str:
    """Undo `encrypt`.

    :raises KeyError: the key's id is not in the ring.
    :raises cryptography.exceptions.InvalidTag: another context, or tampered with.
    """
    _, key_id, body = sealed.split(":", 2)
    raw = base64.b64decode(body)
    key = settings.ORSTA_FIELD_KEYS[key_id]
    return (
        AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()).decode()
    )


def digest(secret: str, *, pepper_id: str | None = None) -> tuple[str, str]:
    """Return (pepper id, HMAC-SHA-256 in hex) of a high-entropy secret.

    A fast hash is right here: the secret carries 256 random bits.

    :param pepper_id: the pepper an existing digest was made with; the newest one if None.
    :raises KeyError: that pepper is not in the ring.
    """
    chosen = pepper_id or next(iter(settings.ORSTA_KEY_PEPPERS))
    pepper = settings.ORSTA_KEY_PEPPERS[chosen]
    return chosen, hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()


class EncryptedTextField(models.TextField[str, str]):
    """Text that only the application can read; bound to its column, never searchable.

    That there is none is no secret: the empty text is stored as it is.
    """

    @property
    def _context(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    def get_prep_value(self, value: Any) -> Any:
        return encrypt(str(value), context=self._context) if value else value

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return decrypt(value, context=self._context) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
