"""Reading what a caller gave. What is wrong raises `EngineError`, which says what is right."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any, TypeVar

from sessions_app import jids
from sessions_app.engines.base import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME_LIMIT = 100
_ID = re.compile(r"[0-9A-Za-z_.:-]{1,64}")

Arguments = dict[str, Any]
T = TypeVar("T", str, int)


def storable(text: str) -> bool:
    """Whether the database can hold this text: no NUL, no half of a surrogate pair."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False


def person(arguments: Arguments) -> str:
    """Return the JID of a person."""
    written = text(arguments, "from", limit=NAME_LIMIT)
    return jid(written, servers=(jids.PHONE_SERVER, jids.LID_SERVER))


def jid(written: str, *, servers: tuple[str, ...]) -> str:
    """Return a JID on one of these servers."""
    try:
        parsed = jids.parse_recipient(written)
    except jids.InvalidRecipient as error:
        raise EngineError(str(error)) from error
    if parsed.rpartition("@")[2] not in servers:
        raise EngineError(f"Give a person: a phone number or a JID at {' or '.join(servers)}.")
    return parsed


def message_id(arguments: Arguments) -> str:
    """Return the id that the caller wants for a message, or a new one."""
    if arguments.get("id") is None:
        return f"3EB0{secrets.token_hex(9).upper()}"  # the shape of WhatsApp Web's own
    wanted = text(arguments, "id", limit=64)
    if not _ID.fullmatch(wanted):
        raise EngineError("`id` may hold letters, digits and the characters _ . : - only.")
    return wanted


def text(arguments: Arguments, name: str, *, limit: int, default: str | None = None) -> str:
    """Return a text; without a default it must not be empty."""
    value = arguments.get(name, default)
    if not isinstance(value, str) or not storable(value):
        raise EngineError(f"`{name}` must be a text.")
    if len(value) > limit:
        raise EngineError(f"`{name}` must not be longer than {limit} characters.")
    if not value and default is None:
        raise EngineError(f"`{name}` must not be empty.")
    return value


def number(arguments: Arguments, name: str, *, default: int, low: int, high: int) -> int:
    """Return a whole number."""
    value = arguments.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise EngineError(f"`{name}` must be a whole number from {low} to {high}.")
    return value


def flag(arguments: Arguments, name: str) -> bool:
    """Return a truth value."""
    value = arguments.get(name, False)
    if not isinstance(value, bool):
        raise EngineError(f"`{name}` must be true or false.")
    return value


def choice(arguments: Arguments, name: str, choices: Sequence[T]) -> T:
    """Return one of these."""
    value = arguments.get(name)
    if value not in choices:
        raise EngineError(f"`{name}` must be one of {', '.join(map(str, choices))}.")
    return choices[choices.index(value)]
