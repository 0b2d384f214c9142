"""The frames of the WebSocket, as plain data.

Client to server: `{"action", "payload"?, "id"?}`. Server to client: `{"action", "data"?}` as a
reply, with the client's `id`; `{"action": "error", "error", "code", "status"}` when it could
not be done; and pushed events `{"action", "data", "event_id", "seq", "occurred_at"}`. `seq`
counts a tenant's events without gaps; on one socket it only rises.
"""

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from orsta.core import errors
from orsta.core.api.errors import status_of
from orsta.core.observability import tracing
from orsta.core.outbox.models import OutboxEvent
from sessions_app.realtime.audience import Numbered

_MAX_ID = 128  # characters of a client's `id` that are worth echoing
_MAX_ECHO = 80


class CloseCode(IntEnum):
    """Why the server closes; 4xxx codes are ours, the others RFC 6455's registry."""

    TOO_BIG = 1009
    REVOKED = 4401  # the token or key does not work any more: do not reconnect with it
    DENIED = 4403  # the key lacks the scopes that the pushed events need
    FLOOD = 4429  # too many frames: reconnect after a pause


class BadFrame(errors.Invalid):
    """The frame is not JSON, or has no action."""

    code = "invalid_frame"


class UnknownAction(errors.Invalid):
    """There is no such action."""

    code = "unknown_action"


class BadPayload(errors.Invalid):
    """The action's payload does not fit."""

    code = "invalid_input"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a client asks for. `payload` is any JSON value; {} when absent."""

    action: str
    payload: Any


def tenant_group(tenant_id: int) -> str:
    """Return the channel group of a tenant's sockets."""
    return f"tenant.{tenant_id}"


def credential_group(credential_id: str) -> str:
    """Return the channel group of the sockets that one token or key opened."""
    return f"credential.{credential_id}"


def decode(text: str) -> Any:
    """Return the JSON value of a frame, None when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def parse(content: Any) -> Frame:
    """Read a decoded frame.

    :raises BadFrame: it is no object, or its action is no text.
    """
    action = content.get("action") if isinstance(content, dict) else None
    if not isinstance(action, str):
        raise BadFrame("Invalid JSON message")
    return Frame(action, content.get("payload", {}))


def unknown(action: str) -> UnknownAction:
    """Return the error for an action that nobody knows."""
    return UnknownAction(f"Unknown action: {action[:_MAX_ECHO]}")


def reply(action: str, data: dict[str, Any] | None, *, reply_to: Any) -> dict[str, Any]:
    """Return the answer to a frame."""
    body: dict[str, Any] = {"action": action}
    if data is not None:
        body["data"] = data
    return body | _id_of(reply_to)


def error(failure: errors.DomainError, *, reply_to: Any = None) -> dict[str, Any]:
    """Return the frame for an anticipated failure; `details` has what the error adds."""
    return _error(failure.message, failure.code, status_of(type(failure)), reply_to) | (
        {"details": failure.details} if failure.details else {}
    )


def server_error(*, reply_to: Any = None) -> dict[str, Any]:
    """Return the frame for everything else: the trace id is all a client learns."""
    sentence = "Something went wrong on our side. Quote the trace id when you report it."
    return _error(sentence, "server_error", 500, reply_to)


def number(event: OutboxEvent, seq: int) -> Numbered:
    """Return the event's frame with what decides who hears it."""
    return seq, event.name, str(event.payload.get("session_id", "")), push(event)


def push(event: OutboxEvent) -> str:
    """Return the frame that tells a client of an event, encoded once for all sockets."""
    return json.dumps(
        {
            "action": event.name,
            "data": event.payload,
            "event_id": event.event_id,
            "seq": event.seq,
            "occurred_at": event.occurred_at.isoformat(),
        },
        separators=(",", ":"),
    )


def _error(sentence: str, code: str, status: int, reply_to: Any) -> dict[str, Any]:
    return {
        "action": "error",
        "error": sentence,
        "code": code,
        "status": status,
        "trace_id": tracing.current(),
    } | _id_of(reply_to)


def _id_of(content: Any) -> dict[str, Any]:
    """Return the client's correlation id as a member to add, if it sent a usable one."""
    given = content.get("id") if isinstance(content, dict) else None
    fits = isinstance(given, str) and len(given) <= _MAX_ID
    whole = isinstance(given, int) and not isinstance(given, bool) and abs(given) < 2**63
    return {"id": given} if fits or whole else {}
