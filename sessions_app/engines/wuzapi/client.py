"""HTTP to gateways: short answers, little time, no redirects, one circuit per address.

Tokens travel in headers alone, so that no URL, log or error text can hold one.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from orsta.core.circuits import Circuit, CircuitOpen
from sessions_app.engines.base import EngineError
from sessions_app.engines.wuzapi import json
from sessions_app.engines.wuzapi.errors import ANSWER_TOO_BIG, GatewayAway, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 16 * 1024 * 1024  # of an answer; an address book of 100,000 people fits
TIMEOUT_SECONDS = 20.0  # for a whole call; connect with Immediate answers at once
SILENCE_SECONDS = 5.0  # between two attempts at a gateway that is away
FAILURES_IN_A_ROW = 5  # until callers are turned away
_CONNECT_SECONDS = 5.0
_CONNECTIONS = 100  # to one gateway, of one event loop


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a gateway."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: Any = field(default=None, repr=False)
    max_bytes: int = MAX_BYTES
    patience: float = 1.0  # times the usual time-out; files take longer


class Transport:
    """Calls gateways, from threads with `ask` and from event loops with `ask_async`.

    Both return what the answer is about (`json.unwrap`), and raise an `EngineError`
    when the gateway refuses, `GatewayAway` when it does not answer.

    :param timeout: seconds for a whole call.
    :param silence_seconds: between two attempts at a gateway that is away.
    """

    def __init__(self, *, timeout: float, silence_seconds: float) -> None:
        self._timeout = timeout
        self._silence = silence_seconds
        self._lock = threading.Lock()
        self._circuits: dict[str, Circuit] = {}
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}

    def ask(self, address: str, call: Call) -> Any:
        """Ask from a thread. Management is rare: each call opens a connection of its own."""
        body = bytearray()
        deadline = time.monotonic() + self._timeout * call.patience
        with self._guarded(address), httpx.Client(**self._options(call)) as client:
            with client.stream(**_request(address, call)) as response:
                for chunk in response.iter_bytes():
                    _take(body, chunk, call.max_bytes)
                    if time.monotonic() > deadline:
                        raise GatewayAway
            return _read(response.status_code, bytes(body))

    async def ask_async(self, address: str, call: Call) -> Any:
        """Ask from the running event loop, over its pooled connections."""
        body = bytearray()
        seconds = self._timeout * call.patience
        client = self.pool().client(address, self._options(call))
        request = _request(address, call) | {"timeout": self._timeouts(call)}
        with self._guarded(address):
            async with asyncio.timeout(seconds), client.stream(**request) as response:
                async for chunk in response.aiter_bytes():
                    _take(body, chunk, call.max_bytes)
            return _read(response.status_code, bytes(body))

    def pool(self) -> Pool:
        """Return the running loop's connections."""
        loop = asyncio.get_running_loop()
        for over in [known for known in list(self._pools) if known.is_closed()]:
            self._pools.pop(over, None)
        return self._pools.setdefault(loop, Pool())

    @contextlib.contextmanager
    def _guarded(self, address: str) -> Iterator[None]:
        """Turn failures of the network into ours, and count them.

        Their texts are dropped: what httpx raises holds the request, and that the tokens.
        """
        try:
            with self._circuit(address):
                try:
                    yield
                except (httpx.HTTPError, TimeoutError) as error:
                    kind = type(error).__name__
                    raise GatewayAway(f"The gateway does not answer ({kind}).") from None
        except CircuitOpen:
            raise GatewayAway from None
        except httpx.InvalidURL:
            raise EngineError("The gateway's address is not a URL.") from None
        except UnicodeEncodeError:
            raise EngineError("The gateway's token holds more than ASCII.") from None

    def _circuit(self, address: str) -> Circuit:
        with self._lock:
            if address not in self._circuits:
                self._circuits[address] = Circuit(
                    failures=(GatewayAway,),
                    silence_seconds=self._silence,
                    threshold=FAILURES_IN_A_ROW,
                )
            return self._circuits[address]

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # takes 20 ms: once is enough

    def _options(self, call: Call) -> dict[str, Any]:
        return {
            "verify": self._tls,
            "follow_redirects": False,
            "trust_env": False,  # a proxy of the environment would see the tokens
            "timeout": self._timeouts(call),
            "limits": httpx.Limits(max_connections=_CONNECTIONS),
        }

    def _timeouts(self, call: Call) -> httpx.Timeout:
        seconds = self._timeout * call.patience
        return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))


class Pool:
    """The connections of one event loop; closed when its last session leaves.

    Each gateway has its own: one that hangs would soon hold all that they shared.
    """

    def __init__(self) -> None:
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._users = 0

    def enter(self) -> None:
        """Count a session that will call."""
        self._users += 1

    async def leave(self) -> None:
        """Take one back."""
        self._users -= 1
        if self._users <= 0:
            clients, self._clients = self._clients, {}
            for client in clients.values():
                await client.aclose()

    def client(self, address: str, options: dict[str, Any]) -> httpx.AsyncClient:
        """Return this loop's one client of a gateway."""
        if address not in self._clients:
            self._clients[address] = httpx.AsyncClient(**options)
        return self._clients[address]


def _request(address: str, call: Call) -> dict[str, Any]:
    headers = call.headers | {"Accept-Encoding": "identity"}  # no bombs that unpack
    return {
        "method": call.method,
        "url": address + call.path,
        "headers": headers,
        "json": call.body,
    }


def _take(body: bytearray, chunk: bytes, limit: int) -> None:
    body += chunk
    if len(body) > limit:
        raise EngineError("The gateway's answer is too long.", code=ANSWER_TOO_BIG)


def _read(status: int, body: bytes) -> Any:
    parsed = json.parse(body)
    if (error := refusal(status, parsed)) is not None:
        raise error
    if parsed is None and body.strip():
        raise EngineError("The gateway's answer is not JSON.", code="not_json")
    return json.unwrap(parsed)
