"""One client's socket, from its handshake to its end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from pyaileys.wabinary.decode import decode_binary_node
from pyaileys.wabinary.encode import encode_binary_node
from websockets.exceptions import ConnectionClosed

from sessions_app.engines.tests.mock_whatsapp import faults, login
from sessions_app.engines.tests.mock_whatsapp.noise import shake_hands
from sessions_app.engines.tests.mock_whatsapp.stanzas import HANDLERS

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

    from sessions_app.engines.tests.mock_whatsapp.nodes import Node
    from sessions_app.engines.tests.mock_whatsapp.noise import Agreement
    from sessions_app.engines.tests.mock_whatsapp.server import Server
    from sessions_app.engines.tests.mock_whatsapp.world import Device

logger = logging.getLogger(__name__)
HEADER = b"WA"  # what comes before it is routing information
HEADER_LENGTH = 4


class Frames:
    """Cuts the socket's bytes into frames: three bytes of length, then the frame."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self._buffer = b""

    async def header(self) -> bytes:
        while len(self._buffer) < (end := self._buffer.find(HEADER) + HEADER_LENGTH):
            await self._more()
        header, self._buffer = self._buffer[end - HEADER_LENGTH : end], self._buffer[end:]
        return header

    async def next(self) -> bytes:
        while len(self._buffer) < 3 or len(self._buffer) < (end := self._frame_end()):
            await self._more()
        frame, self._buffer = self._buffer[3:end], self._buffer[end:]
        return frame

    async def send(self, frame: bytes) -> None:
        await self._socket.send(len(frame).to_bytes(3, "big") + frame)

    def _frame_end(self) -> int:
        return 3 + int.from_bytes(self._buffer[:3], "big")

    async def _more(self) -> None:
        data = await self._socket.recv()
        self._buffer += data if isinstance(data, bytes) else data.encode()


class Connection:
    """A client that is connected: not linked yet, or one of an account's devices."""

    def __init__(self, server: Server, socket: ServerConnection) -> None:
        self.server = server
        self.device: Device | None = None
        self._agreement: Agreement | None = None
        self._frames = Frames(socket)
        self._socket = socket
        self._sending = asyncio.Lock()

    @property
    def agreement(self) -> Agreement:
        assert self._agreement, "the handshake comes first"
        return self._agreement

    async def serve(self) -> None:
        """Talk with the client until either side leaves."""
        try:
            frames = self._frames
            header = await frames.header()
            authority = self.server.authority
            self._agreement = await shake_hands(header, authority, frames.next, frames.send)
            await login.greet(self)
            while True:
                await self._hear(await frames.next())
        except (ConnectionClosed, InvalidTag):
            pass
        finally:
            login.leave(self)

    async def send(self, node: Node) -> None:
        """Send a stanza. A socket that is closing swallows it, as a network would."""
        logger.debug("to client: %s", node)
        try:
            async with self._sending:
                sealed = self.agreement.outgoing.encrypt(encode_binary_node(node))
                await self._frames.send(sealed)
        except ConnectionClosed:
            pass

    async def close(self) -> None:
        await self._socket.close()

    async def _hear(self, frame: bytes) -> None:
        node = decode_binary_node(self.agreement.incoming.decrypt(frame))
        logger.debug("from client: %s", node)
        handler = HANDLERS.get(node.tag)
        if handler and not faults.is_silent(self.device):
            await handler(self, node)
