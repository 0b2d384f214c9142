"""What the fake gateway keeps of a session, and what WhatsApp knows of its device."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass
class Client:
    """A stream to WhatsApp."""

    socket: bool = True
    logged_in: bool = False
    code: str = ""  # what its QR code says


@dataclass
class User:
    """A row of the gateway's table, its live cache, and the device behind it."""

    id: str | int
    name: str
    token: str
    webhook: str = ""
    events: str = ""  # the table's column
    cached_events: str = ""  # what really decides
    expiration: int = 0
    history: int = 0
    jid: str = ""  # the table's column; it stays when the device is logged out
    connected: bool = False  # the table's column: connects when the gateway restarts
    proxy: str = ""
    stored_key: str = ""  # of the table
    cached_key: str = ""  # what webhooks are signed with
    client: Client | None = None
    linked: str = ""  # the device's JID, as WhatsApp knows it
    waiting: list[dict] = field(default_factory=list)  # webhooks until the stream is up
    sent: dict[str, dict] = field(default_factory=dict)  # by id: what WhatsApp took
    asked: list[tuple[str, dict]] = field(default_factory=list)  # everything else it was asked

    @property
    def up(self):
        return self.client is not None and self.client.socket and self.client.logged_in

    def open(self):
        """Open a stream: with the device's credentials, or to show a code."""
        self.client = Client(logged_in=bool(self.linked))
        if not self.linked:
            self.client.code = new_code()
        self.connected = True

    def take(self, message_id, body):
        """Have WhatsApp take a message; a repeated id is the same message."""
        moment = int(datetime.now(UTC).timestamp())
        return self.sent.setdefault(message_id, {**body, "Timestamp": moment})


def new_code():
    """The text of a QR code, as long as WhatsApp's."""
    parts = (secrets.token_urlsafe(32) for _ in range(4))
    return f"https://wa.me/settings/linked_devices#2@{','.join(parts)},1"
