"""What engines report, in our words. Plain data: no Django, no protobuf.

JIDs in events are already normalised (`sessions_app.jids`): no device part, `s.whatsapp.net`
for phone numbers, `lid` for LIDs. Datetimes are timezone-aware.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class ReceiptKind(StrEnum):
    """How far a message of ours came, in rising order."""

    DELIVERED = "delivered"
    READ = "read"


@dataclass(frozen=True, slots=True)
class ChallengeIssued:
    """A QR code to show. It replaces the one before it and ends after `valid_for`."""

    text: str
    seq: int  # 1 for the first code of an attempt
    valid_for: timedelta


@dataclass(frozen=True, slots=True)
class PairingTimedOut:
    """Nobody scanned any code of this attempt; the connection is closed."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The phone accepted the device. The engine restarts its stream; `Connected` follows."""

    jid: str
    push_name: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """The stream is up and authenticated."""

    jid: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The stream broke; the engine reconnects by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The phone removed the device. A new pairing is needed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """Another client took this device's place. The engine does not fight for it."""


@dataclass(frozen=True, slots=True)
class TemporarilyBanned:
    """WhatsApp refuses this account for a while."""

    # 101 too many people, 102 blocked by users, 103 groups, 104 same text, 106 broadcast
    code: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message somebody sent to this session.

    May repeat: (chat, sender, wa_id) is its identity.
    """

    wa_id: str
    chat: str
    sender: str
    text: str
    sent_at: datetime
    push_name: str = ""
    phone: str = ""  # digits without "+"; empty when only the LID is known


@dataclass(frozen=True, slots=True)
class ReceiptReceived:
    """Messages of ours reached a stage. May repeat and may come out of order."""

    wa_ids: tuple[str, ...]
    kind: ReceiptKind
    at: datetime


@dataclass(frozen=True, slots=True)
class MessagesRead:
    """Messages of one chat, written to this session, were marked as read. May repeat."""

    chat: str
    wa_ids: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class TypingShown:
    """A chat was shown that this session types."""

    chat: str


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """A contact is typing, or came online or left."""

    chat: str
    state: str  # "composing" | "paused" | "available" | "unavailable"


@dataclass(frozen=True, slots=True)
class ContactEntry:
    """One entry of the account's address book, as the engine knows it."""

    jid: str  # the contact's identity: LID when known, else the phone number's JID
    name: str = ""
    phone: str = ""
    push_name: str = ""
    raw: dict[str, str] = field(default_factory=dict)


EngineEvent = (
    ChallengeIssued
    | PairingTimedOut
    | Paired
    | Connected
    | Disconnected
    | LoggedOut
    | Replaced
    | TemporarilyBanned
    | MessageReceived
    | ReceiptReceived
    | MessagesRead
    | TypingShown
    | PresenceChanged
)
