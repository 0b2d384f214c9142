"""Sockets for tests: the real application, the real channel layer, no server."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Self

from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import connections
from django.utils import timezone

from accounts.websocket import PrincipalMiddleware
from orsta.core.outbox import relay
from sessions_app.realtime.consumers import SessionConsumer

application = PrincipalMiddleware(SessionConsumer.as_asgi())
TIMEOUT = 5  # seconds; only a failing test waits that long


class Communicator(WebsocketCommunicator):
    """Channels' own, without its trick of keeping database connections open.

    That is for tests inside one transaction; ours would leave connections behind that keep
    the test database from being removed.
    """

    send_input = ApplicationCommunicator.send_input
    receive_output = ApplicationCommunicator.receive_output


class Live:
    """One client's socket.

    `async with Live(token=…) as socket:` opens it and reads the `connected` frame.
    """

    def __init__(self, *, token: str = "", key: str | None = None, **headers: str) -> None:
        lines = {"authorization": f"Bearer {token}"} if token else {}
        if key is not None:
            lines["x-api-key"] = key
        raw = [(name.encode(), value.encode()) for name, value in (lines | headers).items()]
        self.communicator = Communicator(application, "/ws", raw)
        self.connected: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        accepted, code = await self.communicator.connect(timeout=TIMEOUT)
        assert accepted, f"refused with {code}"
        self.connected = await self.read()
        assert self.connected["action"] == "connected"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.communicator.disconnect(timeout=TIMEOUT)

    async def send(self, frame: Any) -> None:
        """Send a frame; text goes out as it is."""
        text = frame if isinstance(frame, str) else json.dumps(frame)
        await self.communicator.send_input({"type": "websocket.receive", "text": text})

    async def read(self) -> dict[str, Any]:
        """Return the next frame."""
        frame: dict[str, Any] = json.loads(await self.communicator.receive_from(TIMEOUT))
        return frame

    async def ask(self, frame: Any) -> dict[str, Any]:
        """Send a frame and return the next one that comes back."""
        await self.send(frame)
        return await self.read()

    async def closed(self) -> int:
        """Return the code of the close that comes next, whatever frames come before it."""
        while True:
            message = await self.communicator.receive_output(TIMEOUT)
            if message["type"] == "websocket.close":
                code: int = message["code"]
                return code

    async def is_silent(self, *, seconds: float = 0.3) -> bool:
        """Say whether nothing comes for a moment."""
        return await self.communicator.receive_nothing(timeout=seconds)


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run an asynchronous scenario from a synchronous test."""
    asyncio.run(scenario())


async def db(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run something that queries."""
    return await database_sync_to_async(function)(*args, **kwargs)


async def relay_events() -> int:
    """Do what the relay process does, in a thread of its own without an event loop."""

    def drain() -> int:
        try:
            total = 0
            while done := relay.drain(now=timezone.now()):
                total += done
            return total
        finally:
            connections.close_all()

    return await asyncio.to_thread(drain)
