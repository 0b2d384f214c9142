"""Which WebSocket paths there are."""

import asyncio
import json

import pytest
from asgiref.testing import ApplicationCommunicator

from orsta.routing import websockets

pytestmark = pytest.mark.django_db(transaction=True)


def opening(path: str, **extensions: dict[str, str]) -> ApplicationCommunicator:
    """Return the start of a handshake without credentials."""
    scope = {"type": "websocket", "path": path, "headers": [], "extensions": extensions}
    return ApplicationCommunicator(websockets, scope)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/ws", 401, "invalid_session_token"),
        ("/ws/", 404, "not_found"),
        ("/wss", 404, "not_found"),
        ("/", 404, "not_found"),
        ("/v1/sessions", 404, "not_found"),
    ],
)
def test_a_refused_upgrade_says_why(path: str, status: int, code: str) -> None:
    async def scenario() -> None:
        socket = opening(path, **{"websocket.http.response": {}})
        await socket.send_input({"type": "websocket.connect"})
        start = await socket.receive_output()
        body = await socket.receive_output()
        assert start["status"] == status
        assert (b"content-type", b"application/problem+json") in start["headers"]
        assert json.loads(body["body"])["code"] == code
        await socket.wait()

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/"])
def test_a_server_that_knows_no_answers_closes(path: str) -> None:
    async def scenario() -> None:
        socket = opening(path)
        await socket.send_input({"type": "websocket.connect"})
        assert (await socket.receive_output())["type"] == "websocket.close"
        await socket.wait()

    asyncio.run(scenario())
