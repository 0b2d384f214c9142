"""What engines report, in our words. Plain data: no Django, no protobuf.

JIDs in events are already normalised (`sessions_app.jids`): no device part, `s.whatsapp.net`
for phone numbers, `lid` for LIDs. Datetimes are timezone-aware.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sessions_app.engines.content import MessageKind, ReceiptKind

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sessions_app.engines.content import Media


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
class PasskeyRequested:
    """The account is linked by passkey only: WhatsApp wants a WebAuthn assertion.

    Engines without PASSKEY emit it with no `options`: they can't go on from here.
    """

    options: dict[str, Any]  # PublicKeyCredentialRequestOptions as JSON
    valid_for: timedelta


@dataclass(frozen=True, slots=True)
class PasskeyConfirmation:
    """The assertion was taken; the person has to compare this code with the phone's."""

    code: str
    valid_for: timedelta


@dataclass(frozen=True, slots=True)
class PairingFailed:
    """The attempt ended before anybody was linked; the connection is closed."""

    reason: str


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
class ConnectFailed:
    """WhatsApp or the engine refused the connection; `sessions_app.failures` knows the code.

    The connection is of no more use, whether a new one may help or not.
    """

    code: str  # WhatsApp's number, e.g. "405", or a word of ours, e.g. "host_crashed"
    detail: str = ""  # for staff; never a secret


@dataclass(frozen=True, slots=True)
class Degraded:
    """The stream stands but does not answer; `Connected` follows when it does again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Restricted:
    """WhatsApp lets the account answer, but write to nobody new (463)."""

    until: datetime | None = None  # None: WhatsApp did not say


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message somebody sent to this session.

    May repeat: (chat, sender, wa_id) is its identity.
    """

    wa_id: str
    chat: str
    sender: str
    text: str  # a file's caption, for media
    sent_at: datetime
    push_name: str = ""
    phone: str = ""  # digits without "+"; empty when only the LID is known
    kind: MessageKind = MessageKind.TEXT
    media: Media | None = None
    quoted_wa_id: str = ""  # of the message that it answers
    from_me: bool = False  # written on the phone or another of the account's devices
    undecryptable: bool = False  # it may come again, readable, with the same identity


@dataclass(frozen=True, slots=True)
class HistoryReceived:
    """Messages from before the pairing, in chunks. They trigger nothing. May repeat."""

    messages: tuple[MessageReceived, ...]


@dataclass(frozen=True, slots=True)
class ReactionReceived:
    """Somebody reacted to a message; an empty `emoji` took it back. May repeat."""

    chat: str
    sender: str
    target_wa_id: str
    emoji: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """The author changed a message. May repeat."""

    chat: str
    sender: str
    target_wa_id: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MessageRevoked:
    """A message was deleted for everybody. May repeat."""

    chat: str
    sender: str
    target_wa_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class IdentityMapped:
    """WhatsApp told that these names belong to one person. May repeat; "" is unknown."""

    lid: str = ""  # normalised JID
    phone: str = ""  # digits
    username: str = ""


@dataclass(frozen=True, slots=True)
class IdentityChanged:
    """The security code of a contact changed: a new phone, or somebody else."""

    jid: str


@dataclass(frozen=True, slots=True)
class ContactsChanged:
    """The address book changed."""


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


# What changes what a session is; of two, the newer by (epoch, seq) counts.
StateEvent = (
    ChallengeIssued
    | PairingTimedOut
    | PairingFailed
    | PasskeyRequested
    | PasskeyConfirmation
    | Paired
    | Connected
    | Degraded
    | Disconnected
    | ConnectFailed
    | LoggedOut
    | Replaced
    | TemporarilyBanned
    | Restricted
)
EngineEvent = (
    StateEvent
    | MessageReceived
    | HistoryReceived
    | ReactionReceived
    | MessageEdited
    | MessageRevoked
    | ReceiptReceived
    | MessagesRead
    | TypingShown
    | PresenceChanged
    | IdentityMapped
    | IdentityChanged
    | ContactsChanged
)
