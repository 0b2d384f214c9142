"""Sockets that are opened without a server."""

import json

from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator

from accounts.websocket import PrincipalMiddleware

HOST = ("host", "orsta.example:8000")
OWN = ("origin", "http://orsta.example:8000")


async def consumer(scope, receive, send):
    """Accept, and tell who was let in."""
    await receive()
    await send({"type": "websocket.accept"})
    principal = scope["principal"]
    seen = {"tenant": principal.tenant.public_id, "kind": principal.kind}
    await send({"type": "websocket.send", "text": json.dumps(seen)})


def connect(*headers, scheme="ws", denial=True, address="127.0.0.1"):
    """Open a socket; return (101, who) or (status, problem document)."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in (HOST, *headers)]

    async def run():
        socket = WebsocketCommunicator(PrincipalMiddleware(consumer), "/ws", headers=raw)
        socket.scope |= {"scheme": scheme, "server": ["127.0.0.1", 8000]}
        socket.scope["client"] = [address, 50_000] if address else None
        if denial:
            socket.scope["extensions"] = {"websocket.http.response": {}}
        await socket.send_input({"type": "websocket.connect"})
        first = await socket.receive_output()
        if first["type"] == "websocket.close":
            return first["code"], None
        second = await socket.receive_output()
        if first["type"] == "websocket.accept":
            return 101, json.loads(second["text"])
        assert first["type"] == "websocket.http.response.start"
        headers = dict(first["headers"])
        assert headers[b"content-type"] == b"application/problem+json"
        return first["status"], json.loads(second["body"])

    return async_to_sync(run)()


def refusal(*headers, **how):
    """Return the status and the sentence that a socket is refused with."""
    status, body = connect(*headers, **how)
    return status, body["error"]


def cookie(token):
    """Return the header of a browser that is logged in."""
    return ("cookie", f"theme=dark; orsta_session={token}; csrftoken=x")


def bearer(token):
    """Return the header of a program that is logged in."""
    return ("authorization", f"Bearer {token}")
