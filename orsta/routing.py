"""The WebSocket map of the whole service."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from accounts.websocket import PrincipalMiddleware
from sessions_app.realtime.consumers import SessionConsumer


async def nothing_here(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Refuse the upgrade at any other path."""
    await receive()
    await send({"type": "websocket.close"})


websockets = URLRouter(
    [
        path("ws", PrincipalMiddleware(SessionConsumer.as_asgi())),
        re_path("", nothing_here),
    ]
)
