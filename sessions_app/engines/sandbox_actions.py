"""What a caller may ask the sandbox to simulate, parsed and checked.

    scan      phone, push_name, contacts (0 to 200000): the phone scans the code
    inbound   from, text, count (1 to 1000), id, push_name, lid: somebody writes
    presence  from, state: somebody types, comes online or leaves
    fault     kind, and for temp_ban seconds and code: something goes wrong

`id` makes a repeated `inbound` the same messages: it is their `wa_id`, followed by "-1", "-2"
and so on when there are several. `lid` has the sender appear under a LID.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sessions_app import jids
from sessions_app.engines import sandbox_people
from sessions_app.engines.base import EngineError
from sessions_app.engines.events import MessageReceived

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SEND_FAULTS = ("send_failed", "send_unknown", "send_retry")  # met by the next send
STREAM_FAULTS = ("drop", "restart", "replaced", "logged_out", "temp_ban")
BAN_CODES = (101, 102, 103, 104, 106)
PRESENCES = ("composing", "paused", "available", "unavailable")
CONTACTS_LIMIT = 200_000
COUNT_LIMIT = 1_000
BAN_SECONDS_LIMIT = 366 * 24 * 3600
TEXT_LIMIT = 65_536  # characters, as WhatsApp's own
NAME_LIMIT = 100

_ID = re.compile(r"[0-9A-Za-z_.:-]{1,64}")

Arguments = dict[str, Any]
T = TypeVar("T", str, int)


@dataclass(frozen=True, slots=True)
class Scan:
    """The phone scans the code."""

    jid: str  # "" for the number that follows from the session
    push_name: str  # likewise
    contacts: int | None  # None leaves the number as it is


@dataclass(frozen=True, slots=True)
class Inbound:
    """Somebody writes."""

    first_id: str
    messages: list[MessageReceived]


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody types, comes online or leaves."""

    chat: str
    state: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something goes wrong."""

    kind: str
    seconds: int
    code: int


Action = Scan | Inbound | Presence | Trouble


def parse(action: str, arguments: Arguments) -> Action:
    """Read a caller's wish.

    :raises EngineError: unknown or wrong, with a sentence that says what is right.
    """
    if action not in _ACTIONS:
        raise EngineError(f"Unknown action {action!r}; use one of {', '.join(_ACTIONS)}.")
    known, read = _ACTIONS[action]
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        raise EngineError(
            f"Unknown argument {unknown[0]!r}; {action} takes {', '.join(known)}."
        )
    return read(arguments)


def storable(text: str) -> bool:
    """Whether the database can hold this text: no NUL, no half of a surrogate pair."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False


def _scan(arguments: Arguments) -> Scan:
    phone = _text(arguments, "phone", default="", limit=NAME_LIMIT)
    contacts = None
    if arguments.get("contacts") is not None:
        contacts = _number(arguments, "contacts", default=0, low=0, high=CONTACTS_LIMIT)
    return Scan(
        jid=_jid(phone, servers=(jids.PHONE_SERVER,)) if phone else "",
        push_name=_text(arguments, "push_name", default="", limit=NAME_LIMIT),
        contacts=contacts,
    )


def _inbound(arguments: Arguments) -> Inbound:
    sender = _person(arguments)
    phone = jids.phone_of(sender)
    if phone and _flag(arguments, "lid"):
        sender = sandbox_people.lid(phone)
    text = _text(arguments, "text", limit=TEXT_LIMIT)
    count = _number(arguments, "count", default=1, low=1, high=COUNT_LIMIT)
    base = _id(arguments)
    push_name = _text(arguments, "push_name", default="", limit=NAME_LIMIT)
    sent_at = datetime.now(UTC)
    messages = [
        MessageReceived(
            wa_id=base if count == 1 else f"{base}-{number}",
            chat=sender,
            sender=sender,
            text=text if count == 1 else f"{text} #{number}",
            sent_at=sent_at,
            push_name=push_name or sandbox_people.push_name(sender),
            phone=phone,
        )
        for number in range(1, count + 1)
    ]
    return Inbound(base, messages)


def _presence(arguments: Arguments) -> Presence:
    return Presence(chat=_person(arguments), state=_choice(arguments, "state", PRESENCES))


def _fault(arguments: Arguments) -> Trouble:
    kind = _choice(arguments, "kind", (*STREAM_FAULTS, *SEND_FAULTS))
    if kind != "temp_ban" and len(arguments) > 1:
        raise EngineError(f"A {kind} fault takes no arguments; only temp_ban does.")
    return Trouble(
        kind=kind,
        seconds=_number(arguments, "seconds", default=3600, low=1, high=BAN_SECONDS_LIMIT),
        code=_choice({"code": BAN_CODES[0], **arguments}, "code", BAN_CODES),
    )


_ACTIONS: dict[str, tuple[tuple[str, ...], Callable[[Arguments], Action]]] = {
    "scan": (("phone", "push_name", "contacts"), _scan),
    "inbound": (("from", "text", "count", "id", "push_name", "lid"), _inbound),
    "presence": (("from", "state"), _presence),
    "fault": (("kind", "seconds", "code"), _fault),
}


def _person(arguments: Arguments) -> str:
    written = _text(arguments, "from", limit=NAME_LIMIT)
    return _jid(written, servers=(jids.PHONE_SERVER, jids.LID_SERVER))


def _jid(written: str, *, servers: tuple[str, ...]) -> str:
    try:
        jid = jids.parse_recipient(written)
    except jids.InvalidRecipient as error:
        raise EngineError(str(error)) from error
    if jid.rpartition("@")[2] not in servers:
        raise EngineError(f"Give a person: a phone number or a JID at {' or '.join(servers)}.")
    return jid


def _id(arguments: Arguments) -> str:
    if arguments.get("id") is None:
        return f"3EB0{secrets.token_hex(9).upper()}"  # the shape of WhatsApp Web's own
    wanted = _text(arguments, "id", limit=64)
    if not _ID.fullmatch(wanted):
        raise EngineError("`id` may hold letters, digits and the characters _ . : - only.")
    return wanted


def _text(arguments: Arguments, name: str, *, limit: int, default: str | None = None) -> str:
    value = arguments.get(name, default)
    if not isinstance(value, str) or not storable(value):
        raise EngineError(f"`{name}` must be a text.")
    if len(value) > limit:
        raise EngineError(f"`{name}` must not be longer than {limit} characters.")
    if not value and default is None:
        raise EngineError(f"`{name}` must not be empty.")
    return value


def _number(arguments: Arguments, name: str, *, default: int, low: int, high: int) -> int:
    value = arguments.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise EngineError(f"`{name}` must be a whole number from {low} to {high}.")
    return value


def _flag(arguments: Arguments, name: str) -> bool:
    value = arguments.get(name, False)
    if not isinstance(value, bool):
        raise EngineError(f"`{name}` must be true or false.")
    return value


def _choice(arguments: Arguments, name: str, choices: Sequence[T]) -> T:
    value = arguments.get(name)
    if value not in choices:
        raise EngineError(f"`{name}` must be one of {', '.join(map(str, choices))}.")
    return choices[choices.index(value)]
