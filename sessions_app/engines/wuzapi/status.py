"""How a gateway describes a session, and the words that both sides share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sessions_app.engines.answers import LiveStatus
from sessions_app.engines.wuzapi import json as read

# Receipts and QRTimeout come with nothing else, though their names are taken.
ALL_EVENTS = "All"
SURVEY = "Survey"  # our own type of payload, beside those that gateways post


@dataclass(frozen=True, slots=True)
class Status:
    """A session as its gateway sees it, all of it from one answer."""

    socket: bool  # to WhatsApp; a session that shows a code has one, too
    logged_in: bool
    jid: str = ""  # stays after a logout
    signs: bool | None = None  # whether it has a key for webhooks; None when it does not say
    proxy: str | None = field(default=None, repr=False)  # None when it does not say

    @classmethod
    def of(cls, answer: Any) -> Status:
        """Read an answer of `/session/status`, a row of the list or our survey's payload."""
        signs = read.pick(answer, "hmac_configured")
        return cls(
            socket=read.flag(answer, "connected"),
            logged_in=read.flag(answer, "loggedIn"),
            jid=read.jid(answer, "jid"),
            signs=None if signs is None else bool(signs),
            proxy=_proxy(answer),
        )

    @property
    def up(self) -> bool:
        """Say whether the device is connected, not merely the socket."""
        return self.socket and self.logged_in

    @property
    def live(self) -> LiveStatus:
        """Return it in the words of all engines.

        Without a socket the JID is all that tells of credentials.
        """
        linked = self.logged_in or (not self.socket and bool(self.jid))
        return LiveStatus(connected=self.up, linked=linked, jid=self.jid)

    def payload(self) -> dict[str, Any]:
        """Return what `Connection.hear` takes to learn this."""
        return {
            "type": SURVEY,
            "connected": self.socket,
            "loggedIn": self.logged_in,
            "jid": self.jid,
        }


def _proxy(answer: Any) -> str | None:
    config = read.mapping(answer, "proxy_config")
    if config and not read.flag(config, "enabled"):
        return ""
    url = read.pick(config, "proxy_url", "proxyURL")
    url = read.pick(answer, "proxy_url") if url is None else url
    return url if isinstance(url, str) else None
