"""The socket behind the real server, seen by a real client."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from django.db import transaction
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from accounts.services import login
from accounts.tests.factories import Login
from orsta.core.observability import metrics
from orsta.core.outbox import relay
from orsta.core.outbox.services import NewEvent, emit_many
from sessions_app.realtime import limits, transport
from sessions_app.realtime.tests.live import application

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server of this test's own."""
    config = uvicorn.Config(
        application, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive()


def until(condition: Any, *, seconds: float = 5) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def opened(port: int, token: str) -> ClientConnection:
    """Open a socket."""
    return connect(
        f"ws://127.0.0.1:{port}/ws",
        additional_headers={"Authorization": f"Bearer {token}"},
        proxy=None,
        compression=None,
        close_timeout=0.2,
    )


def listen(socket: ClientConnection, heard: list[str]) -> None:
    """Note what the frames are until the socket closes."""
    for frame in socket:
        event = json.loads(frame)
        heard.append(event["action"])


def open_sockets() -> float:
    """Return how many sockets this process counts."""
    (gauge,) = metrics.SOCKETS.collect()
    value: float = gauge.samples[0].value
    return value


def read_to_the_end(socket: ClientConnection) -> None:
    """Read until the other side closes."""
    while True:
        socket.recv(5)


def test_frames_go_both_ways(port: int, alice: Login) -> None:
    with opened(port, alice.token) as socket:
        assert json.loads(socket.recv(5))["action"] == "connected"
        socket.send('{"action": "ping", "id": 1}')
        assert json.loads(socket.recv(5)) == {"action": "pong", "id": 1}


def test_a_refusal_has_a_status_and_a_problem(port: int) -> None:
    with pytest.raises(InvalidStatus) as caught:
        opened(port, "nonsense")

    response = caught.value.response
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(response.body or b"")["code"] == "invalid_session_token"


def test_a_client_sees_why_it_was_closed(port: int, alice: Login) -> None:
    with opened(port, alice.token) as socket:
        socket.recv(5)
        login.log_out(token=alice.token, now=timezone.now())
        relay.drain(now=timezone.now())
        with pytest.raises(ConnectionClosed) as caught:
            read_to_the_end(socket)

    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 4401


def test_a_client_that_sends_too_much_sees_why(port: int, alice: Login) -> None:
    with opened(port, alice.token) as socket:
        socket.recv(5)
        socket.send("x" * (limits.MAX_FRAME_BYTES + 1))
        assert json.loads(socket.recv(5))["code"] == "frame_too_big"
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(5)

    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009


def test_a_client_that_does_not_read_is_cut_off(
    port: int, alice: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others hear everything meanwhile."""
    monkeypatch.setattr(transport, "SEND_SECONDS", 1)
    payload = {"text": "x" * 60_000}
    shard = f"session:{alice.tenant.public_id}"
    heard: list[str] = []

    with opened(port, alice.token) as idle, opened(port, alice.token) as diligent:
        for socket in (idle, diligent):
            assert json.loads(socket.recv(5))["action"] == "connected"
        both = open_sockets()
        # It reads all the time, also while this thread is slow, so it is never cut off.
        reader = threading.Thread(target=listen, args=(diligent, heard))
        reader.start()
        for _ in range(10):
            with transaction.atomic():
                emit_many([NewEvent("message.received", alice.tenant.pk, shard, payload)] * 40)
            relay.drain(now=timezone.now())

        until(lambda: open_sockets() == both - 1, seconds=30)
        until(lambda: heard == ["message.received"] * 400, seconds=30)
        diligent.send('{"action": "ping"}')
        until(lambda: heard[400:] == ["pong"], seconds=30)

    reader.join(timeout=10)
