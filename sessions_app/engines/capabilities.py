"""What engines can do, by name."""

from enum import StrEnum


class Capability(StrEnum):
    """What an engine can do; the API refuses what the session's engine lacks, by this name."""

    PAIR_QR = "pair_qr"
    PAIR_CODE = "pair_code"
    PASSKEY = "passkey"  # a passkey challenge of WhatsApp can be answered through us
    CLIENT_MESSAGE_ID = "client_message_id"  # a repeated send with the same id is one message
    CONTACTS = "contacts"
    CONTACTS_EVENT = "contacts_event"  # tells when the address book changed
    CONNECTION_EVENTS = "connection_events"
    PRESENCE = "presence"
    HISTORY = "history"  # emits the messages from before the pairing
    GROUPS = "groups"
    CHECK_NUMBERS = "check_numbers"
    PER_SESSION_PROXY = "per_session_proxy"
    REPLIES = "replies"
    REACTIONS = "reactions"
    EDITS = "edits"
    REVOKES = "revokes"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"
    GATEWAY = "gateway"  # sessions live in a `Gateway`, which posts to our webhook
    SIMULATION = "simulation"  # the other side is played by `act`: sandbox only


MEDIA = (
    Capability.IMAGE,
    Capability.VIDEO,
    Capability.AUDIO,
    Capability.DOCUMENT,
    Capability.STICKER,
)
# What an engine can do that sends every kind of message there is.
EVERY_MESSAGE = frozenset(
    {
        Capability.REPLIES,
        Capability.REACTIONS,
        Capability.EDITS,
        Capability.REVOKES,
        *MEDIA,
    }
)
