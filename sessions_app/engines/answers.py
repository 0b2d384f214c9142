"""What an engine answers. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class SendResult:
    """WhatsApp's server took the message."""

    wa_id: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class PairingCode:
    """Eight characters, like "ABCD-EFGH", to type into the phone."""

    code: str
    valid_for: timedelta


@dataclass(frozen=True, slots=True)
class NumberCheck:
    """Whether a phone number has WhatsApp."""

    phone: str  # as asked: digits
    exists: bool
    jid: str = ""  # the LID when the engine knows it, else the phone number's JID
    name: str = ""  # of a verified business


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """What a probe found, whatever the events said so far."""

    connected: bool  # the stream answers
    linked: bool  # the device has credentials that WhatsApp took
    jid: str = ""
