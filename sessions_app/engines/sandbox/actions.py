"""What a caller may ask the sandbox to simulate, parsed and checked.

    scan      phone, push_name, contacts (0 to 200000): the phone scans the code
    inbound   from, text, count (1 to 1000), id, push_name, lid: somebody writes
    presence  from, state: somebody types, comes online or leaves
    reaction  from, target, emoji: somebody reacts; an empty emoji takes it back
    edit      from, target, text: somebody changes a message
    revoke    from, target: somebody deletes a message for everybody
    image     from, caption, id, quoted: somebody sends a picture
    fault     kind, and what FAULT_ARGUMENTS says: something goes wrong

`id` makes a repeated `inbound` the same messages: it is their `wa_id`, followed by "-1", "-2"
and so on when there are several. `lid` has the sender appear under a LID.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sessions_app import jids
from sessions_app.engines.base import EngineError
from sessions_app.engines.content import Media, MessageKind
from sessions_app.engines.events import (
    MessageEdited,
    MessageReceived,
    MessageRevoked,
    PresenceChanged,
    ReactionReceived,
)
from sessions_app.engines.sandbox import arguments as given
from sessions_app.engines.sandbox import people

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessions_app.engines.events import EngineEvent
    from sessions_app.engines.sandbox.arguments import Arguments

# Met by the next send; the last one is WhatsApp's refusal of new chats (463).
SEND_FAULTS = ("send_failed", "send_unknown", "send_retry", "send_restricted")
STREAM_FAULTS = (
    "drop",
    "restart",
    "replaced",
    "logged_out",
    "temp_ban",
    "restricted",
    "degraded",
    "silent",  # nothing is told; only a probe finds it
    "connect_failed",
)
PAIRING_FAULT = "passkey"  # met by the next scan
FAULTS = (*STREAM_FAULTS, PAIRING_FAULT, *SEND_FAULTS)
FAULT_ARGUMENTS = {
    "temp_ban": frozenset({"seconds", "code"}),
    "restricted": frozenset({"seconds"}),
    "degraded": frozenset({"seconds"}),
    "connect_failed": frozenset({"code"}),
}
DEGRADED_SECONDS = 5
BAN_CODES = (101, 102, 103, 104, 106)
PRESENCES = ("composing", "paused", "available", "unavailable")
CONTACTS_LIMIT = 200_000
COUNT_LIMIT = 1_000
BAN_SECONDS_LIMIT = 366 * 24 * 3600
TEXT_LIMIT = 65_536  # characters, as WhatsApp's own

_FAILURE = re.compile(r"[0-9a-z_]{1,40}")


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
class Shown:
    """Something that a connected device sees, and what the caller is answered."""

    event: EngineEvent
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something goes wrong."""

    kind: str
    seconds: int
    code: int = 0  # of a ban
    failure: str = ""  # of a connection: WhatsApp's number or a word of ours


Action = Scan | Inbound | Shown | Trouble


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


def _scan(arguments: Arguments) -> Scan:
    phone = given.text(arguments, "phone", default="", limit=given.NAME_LIMIT)
    contacts = None
    if arguments.get("contacts") is not None:
        contacts = given.number(arguments, "contacts", default=0, low=0, high=CONTACTS_LIMIT)
    return Scan(
        jid=given.jid(phone, servers=(jids.PHONE_SERVER,)) if phone else "",
        push_name=given.text(arguments, "push_name", default="", limit=given.NAME_LIMIT),
        contacts=contacts,
    )


def _inbound(arguments: Arguments) -> Inbound:
    sender = given.person(arguments)
    phone = jids.phone_of(sender)
    if phone and given.flag(arguments, "lid"):
        sender = people.lid(phone)
    text = given.text(arguments, "text", limit=TEXT_LIMIT)
    count = given.number(arguments, "count", default=1, low=1, high=COUNT_LIMIT)
    base = given.message_id(arguments)
    push_name = given.text(arguments, "push_name", default="", limit=given.NAME_LIMIT)
    sent_at = datetime.now(UTC)
    messages = [
        MessageReceived(
            wa_id=base if count == 1 else f"{base}-{number}",
            chat=sender,
            sender=sender,
            text=text if count == 1 else f"{text} #{number}",
            sent_at=sent_at,
            push_name=push_name or people.push_name(sender),
            phone=phone,
        )
        for number in range(1, count + 1)
    ]
    return Inbound(base, messages)


def _presence(arguments: Arguments) -> Shown:
    chat, state = given.person(arguments), given.choice(arguments, "state", PRESENCES)
    return Shown(PresenceChanged(chat, state), {"from": chat, "state": state})


def _reaction(arguments: Arguments) -> Shown:
    who, target = given.person(arguments), given.text(arguments, "target", limit=64)
    emoji = given.text(arguments, "emoji", default="", limit=32)
    event = ReactionReceived(who, who, target, emoji, datetime.now(UTC))
    return Shown(event, {"from": who, "target": target})


def _edit(arguments: Arguments) -> Shown:
    who, target = given.person(arguments), given.text(arguments, "target", limit=64)
    text = given.text(arguments, "text", limit=TEXT_LIMIT)
    event = MessageEdited(who, who, target, text, datetime.now(UTC))
    return Shown(event, {"from": who, "target": target})


def _revoke(arguments: Arguments) -> Shown:
    who, target = given.person(arguments), given.text(arguments, "target", limit=64)
    event = MessageRevoked(who, who, target, datetime.now(UTC))
    return Shown(event, {"from": who, "target": target})


def _image(arguments: Arguments) -> Shown:
    who, wa_id = given.person(arguments), given.message_id(arguments)
    size = len(people.picture(wa_id))
    media = Media("image/png", size, file_name="picture.png", reference={"picture": wa_id})
    event = MessageReceived(
        wa_id=wa_id,
        chat=who,
        sender=who,
        text=given.text(arguments, "caption", default="", limit=TEXT_LIMIT),
        sent_at=datetime.now(UTC),
        push_name=people.push_name(who),
        phone=jids.phone_of(who),
        kind=MessageKind.IMAGE,
        media=media,
        quoted_wa_id=given.text(arguments, "quoted", default="", limit=64),
    )
    return Shown(event, {"id": wa_id})


def _fault(arguments: Arguments) -> Trouble:
    kind = given.choice(arguments, "kind", FAULTS)
    extra = sorted(set(arguments) - {"kind"} - FAULT_ARGUMENTS.get(kind, frozenset()))
    if extra:
        raise EngineError(f"A {kind} fault does not take {extra[0]!r}.")
    usual = DEGRADED_SECONDS if kind == "degraded" else 3600
    seconds = given.number(arguments, "seconds", default=usual, low=1, high=BAN_SECONDS_LIMIT)
    if kind == "connect_failed":
        return Trouble(kind, seconds, failure=_failure(arguments))
    code = given.choice({"code": BAN_CODES[0], **arguments}, "code", BAN_CODES)
    return Trouble(kind, seconds, code=code)


def _failure(arguments: Arguments) -> str:
    code = given.text(arguments, "code", limit=40)
    if not _FAILURE.fullmatch(code):
        raise EngineError("`code` must be a number of WhatsApp's, or a word like crash_loop.")
    return code


_ACTIONS: dict[str, tuple[tuple[str, ...], Callable[[Arguments], Action]]] = {
    "scan": (("phone", "push_name", "contacts"), _scan),
    "inbound": (("from", "text", "count", "id", "push_name", "lid"), _inbound),
    "presence": (("from", "state"), _presence),
    "reaction": (("from", "target", "emoji"), _reaction),
    "edit": (("from", "target", "text"), _edit),
    "revoke": (("from", "target"), _revoke),
    "image": (("from", "caption", "id", "quoted"), _image),
    "fault": (("kind", "seconds", "code"), _fault),
}
