"""How a gateway is reached, and what it posts and lists. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessions_app.engines.answers import LiveStatus


@dataclass(frozen=True, slots=True)
class GatewayRef:
    """The gateway that a session lives in, and its secrets there."""

    address: str  # base URL without a slash at the end
    admin_token: str = field(repr=False)
    session_token: str = field(repr=False)  # ours for this session; chosen by us
    hmac_key: str = field(repr=False)  # signs the webhooks of this session
    webhook_url: str = ""  # where the gateway posts: our `/hooks/engines/<gateway>`


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """What a gateway posted: raw, as it came."""

    body: bytes = field(repr=False)
    content_type: str
    headers: dict[str, str] = field(repr=False)  # names in lower case


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """One webhook, read but not yet believed."""

    session_id: str  # our public id, as the gateway names the session; "" when it names none
    dedupe_key: str  # equal for a repeated delivery of the same event
    payload: dict[str, Any]  # what `Connection.hear` takes


@dataclass(frozen=True, slots=True)
class GatewaySession:
    """A session as its gateway lists it."""

    session_id: str  # our public id; what is not ours has another form of name
    status: LiveStatus
    payload: dict[str, Any]  # what `Connection.hear` takes, to tell it the same


@dataclass(frozen=True, slots=True)
class GatewayReport:
    """A gateway's answer."""

    version: str
    sessions: list[GatewaySession]
