"""The connections to gateways: each gateway's own, no longer than needed, given up in time."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import httpx
import pytest

from sessions_app.engines.base import EngineError
from sessions_app.engines.tests.fixtures import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.live import connected, live
from sessions_app.engines.tests.wuzapi_rig import *  # noqa: F403 (fixtures)
from sessions_app.engines.wuzapi.client import _CONNECTIONS, Call, Transport

ASK = Call("GET", "/health", {})


@contextlib.asynccontextmanager
async def a_gateway_that_hangs():
    """The address of a gateway that never answers, and a word when it has all connections."""
    taken, full = [], asyncio.Event()

    def take(_, writer):
        taken.append(writer)
        if len(taken) == _CONNECTIONS:
            full.set()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", full
    finally:
        server.close()
        for writer in taken:
            writer.close()


@live
async def test_connections_are_closed_with_the_last_session(engine, ref):
    async with connected(engine, ref):
        pool = engine._transport.pool()
        [client] = pool._clients.values()

    assert client.is_closed
    assert pool._clients == {}


@live
async def test_a_gateway_that_hangs_holds_up_no_other(gateway_server):
    transport = Transport(timeout=5, silence_seconds=60)
    long = replace(ASK, patience=10.0)
    pool = transport.pool()
    pool.enter()
    async with a_gateway_that_hangs() as (address, full):
        asking = [
            asyncio.create_task(transport.ask_async(address, long)) for _ in range(_CONNECTIONS)
        ]
        await full.wait()

        answer = await transport.ask_async(gateway_server.address, ASK)

        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await pool.leave()
    assert answer["status"] == "ok"


def test_a_token_that_no_header_can_hold_is_refused():
    transport = Transport(timeout=5, silence_seconds=60)
    call = Call("GET", "/", {"Authorization": "s\N{LATIN SMALL LETTER E WITH ACUTE}cret"})

    with pytest.raises(EngineError, match="more than ASCII") as refused:
        transport.ask("http://127.0.0.1:9", call)

    assert not refused.value.retryable


@live
async def test_a_call_that_may_take_long_is_not_long_in_connecting():
    transport = Transport(timeout=20, silence_seconds=60)
    limits = httpx.MockTransport(
        lambda request: httpx.Response(200, json=request.extensions["timeout"])
    )
    pool = transport.pool()
    pool.enter()
    pool.client("http://gateway", {"transport": limits})

    answer = await transport.ask_async("http://gateway", Call("GET", "/", {}, patience=6.0))

    await pool.leave()
    assert (answer["connect"], answer["read"]) == (5.0, 120.0)
