"""What goes wrong, as the server says it.

A client that reads its socket's end before the last stanza misses the stanza, so the socket
closes a moment after what explains it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from sessions_app.engines.tests.mock_whatsapp.nodes import Node

if TYPE_CHECKING:
    from sessions_app.engines.tests.mock_whatsapp.connection import Connection
    from sessions_app.engines.tests.mock_whatsapp.world import Account, Ban, Device

LOGGED_OUT = 401
BANNED_FOR_A_TIME = 402
RESTART_STREAM = "515"
READ_BEFORE_CLOSE_SECONDS = 0.3
SAVE_BEFORE_CLOSE_SECONDS = 2.0  # a client that was just linked first stores its keys


def failure(code: int) -> Node:
    """Refuse a login."""
    return Node("failure", {"reason": str(code), "location": "mock"})


def ban_failure(ban: Ban) -> Node:
    node = failure(BANNED_FOR_A_TIME)
    node.attrs |= {"code": str(ban.code), "expire": str(ban.seconds_left)}
    return node


def replaced() -> Node:
    """Say that another connection of the same device took over."""
    return Node("stream:error", {}, [Node("conflict", {"type": "replaced"})])


def device_removed() -> Node:
    conflict = Node("conflict", {"type": "device_removed"})
    return Node("stream:error", {"code": str(LOGGED_OUT)}, [conflict])


def restart_stream() -> Node:
    return Node("stream:error", {"code": RESTART_STREAM})


def at_login(account: Account) -> Node | None:
    """Return what refuses the account's next login, if anything does."""
    troubles = account.troubles
    if troubles.failures:
        return failure(troubles.failures.pop(0))
    if troubles.ban and troubles.ban.until > time.time():
        return ban_failure(troubles.ban)
    return None


def is_silent(device: Device | None) -> bool:
    return device is not None and device.account.troubles.silent


async def end(
    connection: Connection, reason: Node, delay: float = READ_BEFORE_CLOSE_SECONDS
) -> None:
    """Send the last stanza; the socket closes `delay` seconds later, in the background."""
    await connection.send(reason)
    connection.server.spawn(_close_later(connection, delay))


async def _close_later(connection: Connection, delay: float) -> None:
    await asyncio.sleep(delay)
    await connection.close()
