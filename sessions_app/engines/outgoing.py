"""What a session can send. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from sessions_app.engines.capabilities import Capability


@dataclass(frozen=True, slots=True)
class Quoted:
    """The message that another one answers, changes or reacts to."""

    wa_id: str
    sender: str  # normalised JID of its author
    from_me: bool = False
    text: str = ""  # what clients show above a reply


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """A text to send."""

    message_id: str  # ours; engines with CLIENT_MESSAGE_ID use it as the `wa_id`
    to: str  # normalised JID
    text: str
    quoted: Quoted | None = None  # needs REPLIES


@dataclass(frozen=True, slots=True)
class OutgoingReaction:
    """A reaction; an empty `emoji` takes it back. Needs REACTIONS."""

    message_id: str
    to: str
    target: Quoted
    emoji: str


@dataclass(frozen=True, slots=True)
class OutgoingEdit:
    """A new text for a message of ours. Needs EDITS."""

    message_id: str
    to: str
    target: Quoted
    text: str


@dataclass(frozen=True, slots=True)
class OutgoingRevoke:
    """Deletes a message for everybody. Needs REVOKES."""

    message_id: str
    to: str
    target: Quoted


@dataclass(frozen=True, slots=True)
class OutgoingMedia:
    """A file to send. Needs the capability that is named like its kind."""

    message_id: str
    to: str
    kind: Capability  # IMAGE, VIDEO, AUDIO, DOCUMENT or STICKER
    data: bytes = field(repr=False)
    mime_type: str
    file_name: str = ""
    caption: str = ""
    quoted: Quoted | None = None


Outgoing = OutgoingText | OutgoingReaction | OutgoingEdit | OutgoingRevoke | OutgoingMedia


def needed_for(message: Outgoing) -> Capability | None:
    """Return what an engine needs for this message; None for a plain text."""
    match message:
        case OutgoingMedia(kind=kind):
            return kind
        case OutgoingReaction():
            return Capability.REACTIONS
        case OutgoingEdit():
            return Capability.EDITS
        case OutgoingRevoke():
            return Capability.REVOKES
        case OutgoingText(quoted=quoted):
            return Capability.REPLIES if quoted else None
