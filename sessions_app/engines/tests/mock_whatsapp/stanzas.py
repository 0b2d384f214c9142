"""Which part of the server hears which stanza."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_app.engines.tests.mock_whatsapp import groups, pairing, queries, traffic
from sessions_app.engines.tests.mock_whatsapp.nodes import Node, refusal, result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sessions_app.engines.tests.mock_whatsapp.connection import Connection

    Handler = Callable[[Connection, Node], Awaitable[None]]

NOT_FOUND = 404


async def hear_query(connection: Connection, query: Node) -> None:
    """Answer an `iq`. What the server does not know it answers with an empty result."""
    if query.attrs.get("type") in ("result", "error"):
        await pairing.confirm(connection, query)
    elif connection.device is None:
        await connection.server.lobby.hear(connection, query)
    elif query.attrs.get("xmlns") == "w:g2":
        await groups.hear_query(connection, query)
    else:
        answer = ANSWERS.get(query.attrs.get("xmlns", ""), _nothing)
        await connection.send(answer(connection.server.world, connection.device, query))
        await queries.follow_up(connection, query)


def _nothing(_world: object, _device: object, query: Node) -> Node:
    return result(query)


def _no_picture(_world: object, _device: object, query: Node) -> Node:
    return refusal(query, NOT_FOUND, "item-not-found")


ANSWERS = {
    "encrypt": queries.keys,
    "usync": queries.people,
    "w:m": queries.media_hosts,
    "w:profile:picture": _no_picture,
}
HANDLERS: dict[str, Handler] = {
    "iq": hear_query,
    "message": traffic.hear_message,
    "ack": traffic.hear_ack,
    "receipt": traffic.hear_receipt,
    "chatstate": traffic.hear_typing,
    "presence": traffic.hear_presence,
}
