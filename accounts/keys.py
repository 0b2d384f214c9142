"""The format of every credential we issue. Pure: no database.

`<type>_<key id>_<secret><checksum>`: the type tells people and secret scanners what it is,
the key id finds the row, the secret carries 256 bits, and the checksum refuses typing
mistakes without a query. Example: `ork_k3v9…_…`.
"""

import re
import secrets
import zlib
from dataclasses import dataclass
from enum import StrEnum

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY_ID_LENGTH = 12
_SECRET_LENGTH = 43  # 62 ** 43 > 2 ** 256
_CHECKSUM_LENGTH = 6  # 62 ** 6 > 2 ** 32
HINT_LENGTH = 4
_SHAPE = re.compile(
    rf"(ork|ors|ort|orr|orp|orl|ori)_([0-9A-Za-z]{{{_KEY_ID_LENGTH}}})_([0-9A-Za-z]{{{_SECRET_LENGTH}}})"
    rf"([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)


class KeyType(StrEnum):
    """The first part of a credential."""

    API_KEY = "ork"
    SERVICE_KEY = "ors"
    LOGIN_TOKEN = "ort"  # noqa: S105 (a prefix, not a secret)
    REFRESH_TOKEN = "orr"  # noqa: S105
    PENDING_LOGIN = "orp"
    EMAIL_LINK = "orl"
    INVITATION = "ori"


class MalformedKey(ValueError):
    """The text is not one of our credentials."""


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A credential in full. It lives in memory only, and has no repr on purpose."""

    type: KeyType
    key_id: str
    secret: str

    def render(self) -> str:
        """Return the text to hand out, once."""
        body = f"{self.type}_{self.key_id}_{self.secret}"
        return body + _checksum(body)

    @property
    def hint(self) -> str:
        """Return the last characters of the text, to recognise a key by."""
        return self.render()[-HINT_LENGTH:]


def mint(type_: KeyType) -> Key:
    """Return a new random credential."""
    return Key(type_, _random(_KEY_ID_LENGTH), _random(_SECRET_LENGTH))


def parse(text: str) -> Key:
    """Read a credential back.

    :raises MalformedKey: unknown type, wrong length, a foreign character, or wrong checksum.
    """
    match = _SHAPE.fullmatch(text)
    if match is None or match[4] != _checksum(text[:-_CHECKSUM_LENGTH]):
        raise MalformedKey
    return Key(KeyType(match[1]), match[2], match[3])


def mask(*, type_: KeyType, key_id: str, hint: str) -> str:
    """Return what may be shown of a credential after its first moment."""
    return f"{type_}_{key_id}_••••{hint}"


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
