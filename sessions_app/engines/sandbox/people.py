"""Who lives in the sandbox: phone numbers, LIDs, names, contacts and QR codes.

All of it follows from the session's id, so that two runs of a customer's tests see the same.
Phone numbers are +1 555 numbers, which belong to nobody.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sessions_app import jids
from sessions_app.engines.answers import NumberCheck
from sessions_app.engines.events import ChallengeIssued, ContactEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

# WhatsApp's own rhythm: 160 seconds in all (reference: engines.md 1.2).
CODE_SECONDS = (60, 20, 20, 20, 20, 20)

_PHONE_SPACE = 10**7  # numbers after +1 555
_LID_SPACE = 10**14
_LID_FACTOR = 48_271_828_182_459  # odd and no multiple of 5: different phones, different LIDs
_CONTACT_STRIDE = 7_919  # coprime to the space, so that no two contacts share a number

_CODE_LETTERS = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
_PICTURE_PIXELS = 64
_FIRST_NAMES = ("Ada", "Ben", "Cleo", "Dina", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jun", "Kim")
_LAST_NAMES = ("Abel", "Brook", "Costa", "Dahl", "Engel", "Fox", "Gray", "Hale", "Ito", "Jung")


def phone(session_id: str, attempt: int = 0) -> str:
    """The number that a session's device gets; a higher `attempt` gives the next choice."""
    return f"1555{_number(f'{session_id}:phone:{attempt}', _PHONE_SPACE):07d}"


def lid(digits: str) -> str:
    """The LID behind a phone number."""
    return f"{_LID_SPACE + int(digits) * _LID_FACTOR % _LID_SPACE}@{jids.LID_SERVER}"


def name(number: int) -> str:
    """A person's name."""
    last = number // len(_FIRST_NAMES)
    return f"{_FIRST_NAMES[number % len(_FIRST_NAMES)]} {_LAST_NAMES[last % len(_LAST_NAMES)]}"


def push_name(session_id: str) -> str:
    """The name that a session's device shows to others."""
    return name(_number(f"{session_id}:name", _PHONE_SPACE))


def challenges(
    session_id: str, *, epoch: int, attempt: int, speed: float
) -> Iterator[ChallengeIssued]:
    """The codes of one pairing attempt, in the order in which they are shown."""
    device = f"{session_id}:{epoch}:{attempt}"
    fixed = ",".join(_key(f"{device}:{part}") for part in ("noise", "identity", "adv"))
    for seq, seconds in enumerate(CODE_SECONDS, start=1):
        text = f"https://wa.me/settings/linked_devices#2@{_key(f'{device}:{seq}')},{fixed},1"
        yield ChallengeIssued(text=text, seq=seq, valid_for=timedelta(seconds=seconds / speed))


def pairing_code(seed: str) -> str:
    """A code to type, in WhatsApp's own alphabet."""
    digest = sha256(f"{seed}:typed".encode()).digest()
    letters = "".join(_CODE_LETTERS[byte % len(_CODE_LETTERS)] for byte in digest[:8])
    return f"{letters[:4]}-{letters[4:]}"


def passkey_options(session_id: str) -> dict[str, Any]:
    """WhatsApp's challenge for an account that is linked by passkey."""
    return {
        "challenge": _key(f"{session_id}:passkey"),
        "rpId": "whatsapp.com",
        "timeout": 300_000,
        "userVerification": "required",
        "allowCredentials": [{"type": "public-key", "id": _key(f"{session_id}:credential")}],
    }


def confirmation(session_id: str) -> str:
    """The code that the phone shows too."""
    return f"{_number(f'{session_id}:confirmation', 10**8):08d}"


def number_check(digits: str) -> NumberCheck:
    """Whether a phone has WhatsApp: those that end in 9 have not."""
    exists = not digits.endswith("9")
    return NumberCheck(phone=digits, exists=exists, jid=lid(digits) if exists else "")


def picture(seed: str) -> bytes:
    """A small PNG of one color, which follows from `seed`."""
    red, green, blue = sha256(seed.encode()).digest()[:3]
    rows = (b"\x00" + bytes((red, green, blue)) * _PICTURE_PIXELS) * _PICTURE_PIXELS
    header = struct.pack(">IIBBBBB", _PICTURE_PIXELS, _PICTURE_PIXELS, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG: https://www.w3.org/TR/png-3/#5Chunk-layout."""
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def contacts(session_id: str, *, count: int, page_size: int) -> Iterator[list[ContactEntry]]:
    """The address book in pages: every 7th person has only a LID, every 5th other one both."""
    start = _number(f"{session_id}:contacts", _PHONE_SPACE)
    for first in range(1, count + 1, page_size):
        last = min(first + page_size, count + 1)
        yield [_contact(start, number) for number in range(first, last)]


def _contact(start: int, number: int) -> ContactEntry:
    digits = f"1555{(start + number * _CONTACT_STRIDE) % _PHONE_SPACE:07d}"
    if number % 7 == 0:
        return ContactEntry(jid=lid(digits), push_name=name(number))
    jid = lid(digits) if number % 5 == 0 else f"{digits}@{jids.PHONE_SERVER}"
    return ContactEntry(jid=jid, name=name(number), phone=digits, push_name=name(number))


def _number(seed: str, space: int) -> int:
    return int.from_bytes(sha256(seed.encode()).digest()[:8]) % space


def _key(seed: str) -> str:
    return b64encode(sha256(seed.encode()).digest()).decode()
