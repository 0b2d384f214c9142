"""What the tests of the engine `wuzapi` share: refs, and an engine that hears its webhooks."""

from __future__ import annotations

import asyncio
import contextlib
from uuid import uuid4

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import SessionRef
from sessions_app.engines.tests.fake_gateway.gateway import ADMIN_TOKEN
from sessions_app.engines.tests.fake_gateway.inbox import Inbox
from sessions_app.engines.tests.live import connected
from sessions_app.engines.webhooks import GatewayRef
from sessions_app.engines.wuzapi.engine import WuzapiEngine

POLL_SECONDS = 0.05

__all__ = [
    "HearingEngine",
    "engine",
    "gateway_ref",
    "no_webhooks",
    "paired",
    "ref",
    "session_ref",
]


def gateway_ref(gateway, **changes):
    """The gateway, as a session of ours knows it."""
    secrets = {"session_token": f"token-{uuid4().hex}", "hmac_key": uuid4().hex * 2}
    return GatewayRef(
        gateway.address,
        ADMIN_TOKEN,
        webhook_url="http://127.0.0.1:9/hooks/engines/gtw_1",
        **(secrets | changes),
    )


def session_ref(gateway, **changes):
    return SessionRef(
        f"ses_{uuid4().hex}", epoch=1, **({"gateway": gateway_ref(gateway)} | changes)
    )


class HearingEngine(WuzapiEngine):
    """Feeds its connections what the gateway posts, as rows and a runner would."""

    def __init__(self, gateway, **options):
        super().__init__(**({"poll_seconds": POLL_SECONDS, "timeout_seconds": 5} | options))
        self.refs = {}
        self.inbox = Inbox(self, self.refs)
        gateway.poster.deliver = self.inbox.take

    def provision(self, ref):
        super().provision(ref)
        self.refs[ref.session_id] = ref.gateway

    async def connect(self, ref, sink):
        connection = await super().connect(ref, sink)
        connection.session_id = ref.session_id
        feeding = asyncio.create_task(self.inbox.feed(connection, ref.session_id, sink))
        for name in ("close", "leave"):
            setattr(connection, name, _after(feeding, getattr(connection, name)))
        return connection


@pytest.fixture
def engine(gateway_server):
    return HearingEngine(gateway_server)


@pytest.fixture
def no_webhooks(engine, gateway_server):
    """Nothing that the gateway posts arrives."""
    gateway_server.poster.deliver = lambda post: 200


@pytest.fixture
def ref(engine, gateway_server):
    """A session that the gateway has."""
    ref = session_ref(gateway_server)
    engine.provision(ref)
    return ref


def _after(feeding, end):
    async def ended():
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await end()

    return ended


@contextlib.asynccontextmanager
async def paired(engine, gateway, ref):
    """An open connection of a device that was just scanned, and what it emits."""
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        gateway.scan(ref.session_id)
        await recorder.wait_for(events.Connected)
        yield connection, recorder
