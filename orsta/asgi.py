"""The ASGI application: HTTP to Django as WSGI in threads, sockets to Channels.

Django's own ASGI handler costs a synchronous view three to six times as much, because every
request hops to a single thread (docs/benchmarks.md).
"""

from typing import Any, cast

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter

from orsta.wsgi import application as http  # first: it sets Django up

from orsta.routing import websockets  # isort: skip

THREADS = 16  # each holds a database connection while it answers: see DATABASE_POOL_SIZE


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer the server's start and stop messages; there is nothing to prepare."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


application = ProtocolTypeRouter(
    {
        # a2wsgi and Django write the same protocol in different types.
        "http": WSGIMiddleware(cast("Any", http), workers=THREADS),
        "websocket": websockets,
        "lifespan": lifespan,
    }
)
