"""What a client can do over its socket: each action validates, calls one service, answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from accounts import permissions
from accounts.api import throttling
from accounts.principal import Principal
from sessions_app import selectors
from sessions_app.api.challenges import PhoneInput
from sessions_app.messaging.api.serializers import DraftInput, check_draft
from sessions_app.messaging.services import sending
from sessions_app.models import Session
from sessions_app.realtime import protocol
from sessions_app.realtime.stream import Stream
from sessions_app.services import lifecycle, pairing

_Plain = serializers.Serializer[Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and where its socket stands in the tenant's events."""

    principal: Principal
    stream: Stream


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer: frames to send first, already encoded, then `action` with `data`."""

    action: str
    data: dict[str, Any] | None = None
    before: Sequence[str] = ()


class SessionTarget(_Plain):
    """Which session."""

    session_id = serializers.CharField(max_length=40)


class PhoneTarget(SessionTarget, PhoneInput):
    """Which session, and whose phone types the code."""


class MessageInput(DraftInput):
    """What to send, and from which session."""

    session_id = serializers.CharField(max_length=40)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Judge the draft without the session."""
        check_draft({name: attrs[name] for name in attrs.keys() - {"session_id"}})
        return attrs


class ResumeInput(_Plain):
    """The last sequence number that the client has seen."""

    after = serializers.IntegerField(min_value=0, max_value=2**63 - 1)


def identity(principal: Principal) -> dict[str, Any]:
    """Return who the socket belongs to."""
    user = principal.user
    return {
        "user_id": user.public_id if user else "",
        "username": user.username if user else "",
        "tenant_id": principal.tenant.public_id,
    }


def run(caller: Caller, frame: protocol.Frame) -> Reply:
    """Do what the frame asks for.

    :raises DomainError: it can't be done; the message says why.
    :raises LimitReached: the caller did so too often, over sockets and HTTP together.
    """
    action = _ACTIONS.get(frame.action)
    if action is None:
        raise protocol.unknown(frame.action)
    if action.route_class:
        throttling.count(caller.principal, action.route_class)
    if action.scope:
        permissions.require(caller.principal, action.scope)
    return action.run(caller, frame.payload)


def _ping(caller: Caller, payload: Any) -> Reply:
    return Reply("pong")


def _whoami(caller: Caller, payload: Any) -> Reply:
    return Reply("whoami", identity(caller.principal))


def _start(caller: Caller, payload: Any) -> Reply:
    session = _session(caller, _read(SessionTarget, payload))
    return _of("session.start", lifecycle.start(session=session, now=timezone.now()))


def _stop(caller: Caller, payload: Any) -> Reply:
    session = _session(caller, _read(SessionTarget, payload))
    return _of("session.stop", lifecycle.stop(session=session, now=timezone.now()))


def _reconnect(caller: Caller, payload: Any) -> Reply:
    session = _session(caller, _read(SessionTarget, payload))
    return _of("session.reconnect", lifecycle.reconnect(session=session, now=timezone.now()))


def _logout(caller: Caller, payload: Any) -> Reply:
    session = _session(caller, _read(SessionTarget, payload))
    return _of("session.logout", lifecycle.logout(session=session, now=timezone.now()))


def _pairing_code(caller: Caller, payload: Any) -> Reply:
    """Ask for a code to type; `session.pairing_code.updated` says when to read it."""
    fields = _read(PhoneTarget, payload, tenant=caller.principal.tenant)
    session = _session(caller, fields)
    command = pairing.request_code(session=session, phone=fields["phone"], now=timezone.now())
    data = {"session_id": session.public_id, "command_id": command.dedupe_key}
    return Reply("session.pairing_code", data)


def _send(caller: Caller, payload: Any) -> Reply:
    fields = _read(MessageInput, payload)
    session = _session(caller, fields)
    del fields["session_id"]
    draft = sending.Draft(**fields)
    (message,) = sending.accept_messages(session=session, drafts=[draft], now=timezone.now())
    data = {
        "message_id": message.public_id,
        "session_id": session.public_id,
        "to": message.chat,
        "status": message.status,
    }
    return Reply("message.send", data)


def _resume(caller: Caller, payload: Any) -> Reply:
    replay = caller.stream.replay(after=_read(ResumeInput, payload)["after"])
    data = {"seq": replay.seq, "complete": replay.complete, "lost": replay.lost}
    return Reply("resumed", data, before=replay.frames)


@dataclass(frozen=True, slots=True)
class _Action:
    run: Callable[[Caller, Any], Reply]
    scope: str = ""
    route_class: str = ""  # of HTTP, for what counts there too


_ACTIONS = {
    "ping": _Action(_ping),
    "whoami": _Action(_whoami),
    "session.start": _Action(_start, "sessions:write", "write"),
    "session.stop": _Action(_stop, "sessions:write", "write"),
    "session.reconnect": _Action(_reconnect, "sessions:write", "write"),
    "session.logout": _Action(_logout, "sessions:write", "write"),
    "session.pairing_code": _Action(_pairing_code, "sessions:write", "write"),
    "message.send": _Action(_send, "messages:write", "send"),
    "resume": _Action(_resume),
}
NAMES = frozenset(_ACTIONS)


def _read(shape: type[_Plain], payload: Any, **context: Any) -> dict[str, Any]:
    form = shape(data=payload, context=context)
    if not form.is_valid():
        names = ", ".join(form.errors)
        raise protocol.BadPayload(
            f"The payload has errors; see the fields: {names}.", fields=form.errors
        )
    fields: dict[str, Any] = form.validated_data
    return fields


def _session(caller: Caller, fields: dict[str, Any]) -> Session:
    return selectors.session_for(caller.principal, fields["session_id"])


def _of(action: str, session: Session) -> Reply:
    data = {
        "session_id": session.public_id,
        "desired": session.desired,
        "status": session.status,
    }
    return Reply(action, data)
