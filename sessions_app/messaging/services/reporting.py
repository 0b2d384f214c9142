"""Events of messages, many in one statement."""

from collections.abc import Iterable

from orsta.core.outbox.services import NewEvent, emit_many
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import MessageStatus
from sessions_app.services import lifecycle

TEXT_LENGTH = 4_096  # characters of a text in an event; the API has all of it


def report_queued(messages: Iterable[Message]) -> None:
    """Emit `message.queued` for accepted messages."""
    emit_many(
        _event("message.queued", message, text=message.text[:TEXT_LENGTH])
        for message in messages
    )


def report_received(messages: Iterable[Message], *, push_names: dict[str, str]) -> None:
    """Emit `message.received`; `push_names` by the messages' public ids."""
    emit_many(
        _event(
            "message.received",
            message,
            sender=message.sender,
            text=message.text[:TEXT_LENGTH],
            sent_at=_iso(message),
            push_name=push_names[message.public_id],
        )
        for message in messages
    )


def report_marked_read(messages: Iterable[Message]) -> None:
    """Emit `message.marked_read` for inbound messages that the session read."""
    emit_many(_event("message.marked_read", message) for message in messages)


def report_moves(moves: Iterable[tuple[Message, MessageStatus]]) -> None:
    """Emit `message.<status>` for every step, in order."""
    emit_many(
        _event(f"message.{status.lower()}", message, **_members(message, status))
        for message, status in moves
    )


def _members(message: Message, status: MessageStatus) -> dict[str, str | None]:
    match status:
        case MessageStatus.SENT:
            return {"sent_at": _iso(message)}
        case MessageStatus.FAILED | MessageStatus.UNKNOWN:
            return {"error": message.error}
        case _:
            return {}


def _event(name: str, message: Message, **members: str | None) -> NewEvent:
    session = message.session
    payload = {
        "session_id": session.public_id,
        "message_id": message.public_id,
        "chat": message.chat,
        "wa_id": message.wa_id,
        **members,
    }
    return NewEvent(name, message.tenant_id, lifecycle.shard_of(session), payload)


def _iso(message: Message) -> str | None:
    return message.sent_at.isoformat() if message.sent_at else None
