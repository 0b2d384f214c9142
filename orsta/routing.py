"""The WebSocket map of the whole service."""

import json
from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from accounts.websocket import PrincipalMiddleware
from orsta.core.api import errors as problems
from sessions_app.realtime.consumers import SessionConsumer


async def nothing_here(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Refuse the upgrade at any other path: with 404 where the server can say so."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    body = problems.problem(
        status_code=404, code="not_found", detail="There is nothing at this address."
    )
    headers = [(b"content-type", problems.CONTENT_TYPE.encode())]
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": json.dumps(body).encode()})


_events: Any = PrincipalMiddleware(SessionConsumer.as_asgi())
_nothing: Any = nothing_here  # Django's stubs expect views; Channels takes applications

websockets = URLRouter([path("ws", _events), re_path("", _nothing)])
