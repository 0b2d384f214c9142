"""What messages are made of, and how far they came. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class MessageKind(StrEnum):
    """What a message is made of. OTHER: WhatsApp has more kinds than we name."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACT = "contact"
    POLL = "poll"
    OTHER = "other"


class ReceiptKind(StrEnum):
    """How far a message of ours came, in rising order."""

    DELIVERED = "delivered"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Media:
    """A file that came with a message."""

    mime_type: str
    size: int  # bytes; 0 when unknown
    file_name: str = ""
    seconds: int = 0  # of audio and video
    # What `Connection.fetch_media` needs, as JSON; it holds the file's key: encrypt at rest.
    reference: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Content:
    """What a person wrote."""

    kind: MessageKind
    text: str = ""
    media: Media | None = None
    quoted_wa_id: str = ""


# In WhatsApp's protobuf (waE2E), which gateways pass on as JSON: fields of a message that hold
# the message proper in their `message` ...
ENVELOPES = (
    "deviceSentMessage",
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "editedMessage",
    "groupMentionedMessage",
    "botInvokeMessage",
    "lottieStickerMessage",
    "groupStatusMessage",
    "groupStatusMessageV2",
    "associatedChildMessage",
)
MAX_ENVELOPES = 8  # deeper than any real message; the sender decides how deep it is
# ... and fields that keep clients in step: nobody wrote them.
HOUSEKEEPING = frozenset(
    {
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
        "messageContextInfo",
        "protocolMessage",
        "encReactionMessage",
        "pollUpdateMessage",
        "keepInChatMessage",
        "pinInChatMessage",
        "messageHistoryBundle",
        "messageHistoryNotice",
        "stickerSyncRmrMessage",
        "placeholderMessage",
    }
)
