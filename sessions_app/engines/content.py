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
