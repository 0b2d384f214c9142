"""What an engine is told of a session: its settings, its way out and its place."""

import hashlib
import hmac

from django.conf import settings

from sessions_app.engines.base import Options, SessionRef
from sessions_app.engines.webhooks import GatewayRef
from sessions_app.failures import failure
from sessions_app.models import Gateway, Proxy, Session
from sessions_app.states import GatewayState, Health, ProxyState

WEBHOOK_PATH = "/hooks/engines/"
# Distinct labels make independent keys of one secret (RFC 5869, section 3.2). They are part of
# what gateways store: another label is another token, and locks the session out.
_TOKEN_LABEL = b"orsta gateway session token v1"
_HMAC_LABEL = b"orsta gateway webhook key v1"


class Unusable(Exception):
    """The session must not connect now.

    :param code: a name of `failures.FAILURES`, which says what follows.
    """

    def __init__(self, code: str) -> None:
        super().__init__(failure(code).sentence)
        self.code = code


def ref_of(session: Session, *, epoch: int = 0, forgetting: bool = False) -> SessionRef:
    """Return what the engine may know; select `gateway` and `proxy` with the session.

    It holds what staff may change at any time: make a new one for each connection.

    :param forgetting: it is for `Engine.purge`, to which the way out does not matter.
    :raises Unusable: its gateway is quarantined (`gateway_quarantined`), or its proxy is out
        of use (`proxy_disabled`) or does not answer (`proxy_down`).
    """
    return SessionRef(
        session_id=session.public_id,
        epoch=epoch,
        options=Options(auto_read=session.auto_read_enabled, typing=session.typing_enabled),
        device_name=session.device_name or settings.ORSTA_DEVICE_NAME,
        proxy="" if forgetting else _way_out(session.proxy),
        gateway=_place(session),
    )


def address_of(gateway: Gateway) -> GatewayRef:
    """Return what an engine needs to ask a gateway for itself: no session's secrets."""
    return GatewayRef(
        address=gateway.address.rstrip("/"),
        admin_token=gateway.token,
        session_token="",
        hmac_key="",
        webhook_url=webhook_url_of(gateway),
    )


def place_of(gateway: Gateway, *, secret: str) -> GatewayRef:
    """Return a gateway as a session with this `engine_secret` knows it, quarantined or not."""
    return GatewayRef(
        address=gateway.address.rstrip("/"),
        admin_token=gateway.token,
        session_token=_derive(secret, _TOKEN_LABEL),
        hmac_key=_derive(secret, _HMAC_LABEL),
        webhook_url=webhook_url_of(gateway),
    )


def webhook_url_of(gateway: Gateway) -> str:
    """Return where this gateway posts."""
    return f"{settings.ORSTA_PUBLIC_URL.rstrip('/')}{WEBHOOK_PATH}{gateway.public_id}"


def _place(session: Session) -> GatewayRef | None:
    gateway = session.gateway
    if gateway is None:
        return None
    if gateway.state == GatewayState.QUARANTINED:
        raise Unusable("gateway_quarantined")
    return place_of(gateway, secret=session.engine_secret)


def _way_out(proxy: Proxy | None) -> str:
    if proxy is None:
        return ""
    if proxy.state == ProxyState.DISABLED:
        raise Unusable("proxy_disabled")
    if proxy.health == Health.DOWN:
        raise Unusable("proxy_down")
    return proxy.url


def _derive(secret: str, label: bytes) -> str:
    return hmac.new(secret.encode(), label, hashlib.sha256).hexdigest()
