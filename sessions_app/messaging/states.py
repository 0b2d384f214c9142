"""The life of a message. Plain: no rows."""

from django.db.models import TextChoices


class Direction(TextChoices):
    """Who wrote it."""

    INBOUND = "INBOUND", "Inbound"
    OUTBOUND = "OUTBOUND", "Outbound"


class MessageStatus(TextChoices):
    """How far it came. UNKNOWN: handed over, but nobody knows; never resent blindly."""

    QUEUED = "QUEUED", "Queued"
    SENT = "SENT", "Sent"
    DELIVERED = "DELIVERED", "Delivered"
    READ = "READ", "Read"
    FAILED = "FAILED", "Failed"
    UNKNOWN = "UNKNOWN", "Outcome unknown"
    RECEIVED = "RECEIVED", "Received"


class MessageKind(TextChoices):
    """What a message is made of, as engines call it; counted apart."""

    TEXT = "text", "Text"
    IMAGE = "image", "Image"
    VIDEO = "video", "Video"
    AUDIO = "audio", "Audio"
    DOCUMENT = "document", "Document"
    STICKER = "sticker", "Sticker"
    LOCATION = "location", "Location"
    CONTACT = "contact", "Contact"
    POLL = "poll", "Poll"
    OTHER = "other", "Other"


S = MessageStatus
# A message moves forward, never back: a late "delivered" does not undo "read".
TRANSITIONS: dict[MessageStatus, frozenset[MessageStatus]] = {
    S.QUEUED: frozenset({S.SENT, S.DELIVERED, S.READ, S.FAILED, S.UNKNOWN}),
    S.UNKNOWN: frozenset({S.SENT, S.DELIVERED, S.READ, S.FAILED}),
    S.SENT: frozenset({S.DELIVERED, S.READ}),
    S.DELIVERED: frozenset({S.READ}),
    S.READ: frozenset(),
    S.FAILED: frozenset({S.DELIVERED, S.READ}),
    S.RECEIVED: frozenset(),
}


def sources_of(new: MessageStatus) -> list[MessageStatus]:
    """Return the statuses from which a message may become `new`."""
    return [old for old, targets in TRANSITIONS.items() if new in targets]
