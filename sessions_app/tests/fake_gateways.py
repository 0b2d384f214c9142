"""An engine of gateways that are only said to be there, and builders of their rows."""

import hashlib
import hmac
import json
from itertools import count
from typing import Any, ClassVar

from sessions_app import wiring
from sessions_app.engines import registry
from sessions_app.engines.answers import LiveStatus
from sessions_app.engines.base import Engine, EngineError
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.webhooks import GatewayReport, GatewaySession, WebhookCall
from sessions_app.models import Gateway, Proxy, Session
from sessions_app.tests.factories import make_session

ENGINE = "fake"
SECRET = "a session's secret"
_numbers = count(1)


class FakeEngine(Engine):
    """Answers what the test wrote into it; remembers what it was asked."""

    name: ClassVar[str] = ENGINE
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.GATEWAY, Capability.PAIR_QR, Capability.PER_SESSION_PROXY}
    )

    def __init__(self) -> None:
        self.provisioned: list[Any] = []
        self.purged: list[Any] = []
        self.surveyed: list[str] = []
        self.answer = lambda: GatewayReport("1.0", [])

    def provision(self, ref: Any) -> None:
        self.provisioned.append(ref)

    def purge(self, ref: Any) -> None:
        self.purged.append(ref)

    async def connect(self, ref: Any, sink: Any) -> Any:
        raise EngineError("Nobody is there.")

    def read_webhook(self, request: Any) -> WebhookCall:
        try:
            body = json.loads(request.body)
            return WebhookCall(body["session"], body["id"], body["event"])
        except (ValueError, LookupError) as error:
            raise EngineError("Not one of ours.") from error

    def verify_webhook(self, request: Any, gateway: Any) -> bool:
        signature = request.headers.get("x-signature", "")
        return hmac.compare_digest(sign(request.body, gateway.hmac_key), signature)

    def survey(self, gateway: Any) -> GatewayReport:
        self.surveyed.append(gateway.address)
        return self.answer()


def sign(body: bytes, key: str) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def offer(monkeypatch: Any) -> FakeEngine:
    """Offer the engine beside the others; `stop_offering` takes it back."""
    monkeypatch.setitem(registry.PATHS, ENGINE, f"{__name__}.FakeEngine")
    registry.configure(wiring.engine_options() | {ENGINE: {}})
    engine = registry.engine(ENGINE)
    assert isinstance(engine, FakeEngine)
    return engine


def stop_offering() -> None:
    registry.configure(wiring.engine_options())


def make_gateway(**fields: Any) -> Gateway:
    number = next(_numbers)
    values = {
        "name": f"gateway {number}",
        "engine": ENGINE,
        "address": f"https://gateway-{number}.example",
        "token": "admin-token",
        "capacity": 10,
    }
    gateway: Gateway = Gateway.objects.create(**(values | fields))
    return gateway


def make_proxy(**fields: Any) -> Proxy:
    number = next(_numbers)
    values = {
        "name": f"proxy {number}",
        "url": f"socks5://user:hunter2@10.0.0.{number % 250}:1080",
        "capacity": 2,
    }
    proxy: Proxy = Proxy.objects.create(**(values | fields))
    return proxy


def make_guest(gateway: Gateway, **fields: Any) -> Session:
    """Save a session that lives in the gateway."""
    values = {"engine": ENGINE, "gateway": gateway, "engine_secret": SECRET}
    return make_session(**(values | fields))


def listed(session: Session, *, connected: bool, linked: bool | None = None) -> GatewaySession:
    """Return a session as its gateway would list it."""
    is_linked = connected if linked is None else linked
    status = LiveStatus(connected, is_linked, session.jid if is_linked else "")
    return GatewaySession(session.public_id, status, {"survey": connected})
