"""The server's socket, and the thread on which it lives."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from websockets.asyncio.server import serve

from sessions_app.engines.tests.mock_whatsapp.connection import Connection
from sessions_app.engines.tests.mock_whatsapp.keys import Authority
from sessions_app.engines.tests.mock_whatsapp.pairing import Lobby
from sessions_app.engines.tests.mock_whatsapp.world import World

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from websockets.asyncio.server import ServerConnection

Answer = TypeVar("Answer")
CALL_SECONDS = 30.0
ADDRESS = "127.0.0.1"


class Server:
    """The WhatsApp server. Its state belongs to its loop: other threads use `call`."""

    def __init__(self) -> None:
        self.authority = Authority()
        self.lobby = Lobby()
        self.world = World()
        self.port = 0
        self.out_of_reach = False
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mock-whatsapp", daemon=True)

    def start(self) -> None:
        """Listen on a free port, in a thread of its own."""
        self._thread.start()
        self._ready.wait(CALL_SECONDS)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(CALL_SECONDS)
        self._loop.close()

    def call(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run this on the server's loop, from another thread, and return its answer."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this in the background, on the server's loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def forget_everything(self) -> None:
        """Close every socket and start with an empty world."""
        self.world = World(media_host=self.world.media_host)
        self.lobby = Lobby()
        self.out_of_reach = False
        await self.close_all()

    async def close_all(self) -> None:
        for connection in list(self._connections):
            await connection.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())

    async def _listen(self) -> None:
        async with serve(self._serve, ADDRESS, 0, max_size=None, ping_interval=None) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            self._ready.set()
            await self._stopping.wait()
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _serve(self, socket: ServerConnection) -> None:
        if self.out_of_reach:
            return
        connection = Connection(self, socket)
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
