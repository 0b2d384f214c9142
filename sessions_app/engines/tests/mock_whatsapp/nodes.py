"""Stanzas: how to read them, and the addresses in them."""

from __future__ import annotations

import base64
import os
import time
from dataclasses import dataclass
from typing import Any

from pyaileys.wabinary.types import BinaryNode as Node

SERVER = (
    "@s.whatsapp.net"  # the server's own address; a phone number in front makes it a person's
)


@dataclass(frozen=True, slots=True)
class Address:
    """A JID taken apart. `device` is None where the JID names the whole account."""

    user: str
    server: str
    device: int | None = None

    @classmethod
    def parse(cls, jid: str) -> Address:
        name, _, server = jid.partition("@")
        user, _, device = name.partition(":")
        return cls(user.partition("_")[0], server, int(device) if device else None)


def children(node: Node | None, tag: str = "") -> list[Node]:
    """Return a node's children, of one tag if given; none when there is no such node."""
    content = node.content if node else None
    inner = content if isinstance(content, list) else []
    return [one for one in inner if not tag or one.tag == tag]


def child(node: Node | None, *path: str) -> Node | None:
    """Walk down the first children of these tags."""
    for tag in path:
        node = next(iter(children(node, tag)), None)
    return node


def content(node: Node | None) -> bytes:
    """Return what a leaf carries, whichever way the codec read it."""
    inner: Any = node.content if node else None
    if isinstance(inner, str):
        return inner.encode()
    return inner if isinstance(inner, bytes) else b""


def result(query: Node, *inner: Node) -> Node:
    """Answer an `iq`."""
    attrs = {"from": query.attrs.get("to", SERVER), "type": "result", "id": query.attrs["id"]}
    return Node("iq", attrs, list(inner) or None)


def refusal(query: Node, code: int, text: str) -> Node:
    attrs = {"from": query.attrs.get("to", SERVER), "type": "error", "id": query.attrs["id"]}
    return Node("iq", attrs, [Node("error", {"code": str(code), "text": text})])


def request(namespace: str, *inner: Node) -> Node:
    """Ask a client something."""
    attrs = {"from": SERVER, "type": "set", "id": fresh_id(), "xmlns": namespace}
    return Node("iq", attrs, list(inner))


def notification(kind: str, *inner: Node, sender: str = SERVER) -> Node:
    attrs = {"from": sender, "type": kind, "id": fresh_id(), "t": now()}
    return Node("notification", attrs, list(inner))


def fresh_id() -> str:
    return os.urandom(8).hex().upper()


def fresh_reference() -> str:
    return base64.b64encode(os.urandom(18)).decode()


def now() -> str:
    """The time as WhatsApp writes it: seconds since 1970, in decimal."""
    return str(int(time.time()))
