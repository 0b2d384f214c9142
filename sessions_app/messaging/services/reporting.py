"""Events of messages, many in one statement."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orsta.core.outbox.services import NewEvent, emit_many
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.services import lifecycle

TEXT_LENGTH = 4_096  # characters of a text in an event; the API has all of it


@dataclass(frozen=True, slots=True)
class FailedChange:
    """What should have been done to a message.

    :param kind: reaction, edit or revoke.
    """

    message: Message
    kind: str
    error: str
    unknown: bool


def report_queued(messages: Iterable[Message]) -> None:
    """Emit `message.queued` for accepted messages."""
    emit_many(
        _event("message.queued", message, text=message.text[:TEXT_LENGTH])
        for message in messages
    )


def report_arrived(messages: Iterable[Message], *, push_names: Mapping[str, str]) -> None:
    """Emit what messages from WhatsApp are: received, not readable yet, or sent elsewhere.

    :param push_names: by the messages' public ids.
    """
    emit_many(
        _event(
            _arrival(message),
            message,
            sender=message.sender,
            kind=message.kind,
            text=message.text[:TEXT_LENGTH],
            quoted_wa_id=message.quoted_wa_id,
            media=message.media or None,
            sent_at=_iso(message),
            push_name=push_names[message.public_id],
        )
        for message in messages
    )


def report_reactions(reactions: Iterable[tuple[Message, str, str]]) -> None:
    """Emit `message.reaction` for (message, who reacted, emoji); "" took it back."""
    emit_many(
        _event("message.reaction", message, sender=sender, emoji=emoji)
        for message, sender, emoji in reactions
    )


def report_edited(messages: Iterable[Message]) -> None:
    """Emit `message.edited` for messages that have another text."""
    emit_many(
        _event("message.edited", message, text=message.text[:TEXT_LENGTH])
        for message in messages
    )


def report_revoked(messages: Iterable[Message]) -> None:
    """Emit `message.revoked` for messages that were deleted for everybody."""
    emit_many(_event("message.revoked", message) for message in messages)


def report_failed_changes(failed: Iterable[FailedChange]) -> None:
    """Emit `message.change_failed` for what was not done to messages, or may not have been."""
    emit_many(
        _event(
            "message.change_failed",
            change.message,
            kind=change.kind,
            error=change.error,
            outcome="unknown" if change.unknown else "failed",
        )
        for change in failed
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


def _arrival(message: Message) -> str:
    if message.undecryptable:
        return "message.undecryptable"
    mine = message.direction == Direction.OUTBOUND
    return "message.sent_elsewhere" if mine else "message.received"


def _event(name: str, message: Message, **members: Any) -> NewEvent:
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
