"""What the sandbox makes of the messages that a session sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from sessions_app.engines.outgoing import (
    OutgoingEdit,
    OutgoingMedia,
    OutgoingReaction,
    OutgoingRevoke,
    OutgoingText,
)

if TYPE_CHECKING:
    from sessions_app.engines.outgoing import Outgoing


@dataclass(frozen=True, slots=True)
class Detail:
    """What a message is besides its text."""

    kind: str
    target: str = ""  # the message that it answers, changes or reacts to
    size: int = 0  # bytes of a file


def taken_apart(message: Outgoing) -> tuple[OutgoingText, Detail | None]:
    """Return the text that the world takes, and what else it is; None for a plain text."""
    match message:
        case OutgoingText(quoted=quoted):
            if quoted is None:
                return message, None
            text, detail = message.text, Detail("reply", quoted.wa_id)
        case OutgoingReaction(target=target):
            text, detail = message.emoji, Detail("reaction", target.wa_id)
        case OutgoingEdit(target=target):
            text, detail = message.text, Detail("edit", target.wa_id)
        case OutgoingRevoke(target=target):
            text, detail = "", Detail("revoke", target.wa_id)
        case OutgoingMedia(quoted=quoted):
            target_id = quoted.wa_id if quoted else ""
            text, detail = message.caption, Detail(message.kind, target_id, len(message.data))
        case _:
            assert_never(message)
    return OutgoingText(message.message_id, message.to, text), detail
