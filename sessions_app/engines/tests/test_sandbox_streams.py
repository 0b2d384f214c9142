"""What happens to a sandbox device's stream, and who else has a say in it."""

from __future__ import annotations

import asyncio
import gc

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError, SessionRef
from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.tests.contract import FRIEND
from sessions_app.engines.tests.live import Listener, Recorder, connected, live, paired

HELLO = OutgoingText("msg_1", FRIEND, "Hello")


def next_epoch(ref):
    return SessionRef(ref.session_id, epoch=ref.epoch + 1)


@pytest.mark.parametrize("kind", ["drop", "restart"])
def test_a_broken_stream_comes_back_by_itself(engine, ref, kind):
    @live
    async def run():
        async with paired(engine, ref) as (connection, recorder):
            answer = await connection.act("fault", {"kind": kind})
            await recorder.wait_for(events.Connected, count=2)
            await connection.send(HELLO)

        assert answer == {"kind": kind}
        assert [type(event) for event in recorder.events[-2:]] == [
            events.Disconnected,
            events.Connected,
        ]

    run()


@live
async def test_a_broken_stream_refuses_sends_and_keeps_receipts(make_engine, ref):
    async with paired(make_engine(speed=5), ref) as (connection, recorder):
        await connection.send(HELLO)
        await connection.act("fault", {"kind": "drop"})
        with pytest.raises(EngineError, match="not connected") as refused:
            await connection.send(OutgoingText("msg_2", FRIEND, "Hello"))
        await recorder.wait_for_receipts(ReceiptKind.READ, ["msg_1"])

    assert refused.value.retryable
    kinds = [type(event) for event in recorder.events]
    assert kinds.index(events.Disconnected) < kinds.index(events.ReceiptReceived)


@live
async def test_a_newer_runner_replaces_the_older_one(engine, make_engine, ref):
    async with (
        paired(engine, ref) as (older, old),
        connected(make_engine(), next_epoch(ref)) as (newer, new),
    ):
        await old.wait_for(events.Replaced)
        await new.wait_for(events.Connected)
        with pytest.raises(EngineError):
            await older.send(HELLO)
        await newer.send(HELLO)

    assert isinstance(old.events[-1], events.Replaced)


@live
async def test_a_second_connection_of_the_same_epoch_replaces_the_first(engine, ref):
    async with (
        paired(engine, ref) as (_, first),
        connected(engine, ref) as (_, second),
    ):
        await first.wait_for(events.Replaced)
        await second.wait_for(events.Connected)


@live
async def test_a_send_notices_at_once_that_the_stream_was_replaced(make_engine, ref):
    async with paired(make_engine(), ref):
        pass
    async with connected(make_engine(speed=0.2), ref) as (older, old):
        await old.wait_for(events.Connected)
        async with connected(make_engine(), next_epoch(ref)):
            with pytest.raises(EngineError, match="lost its device"):
                await older.send(HELLO)


@live
async def test_an_older_runner_can_not_take_a_device_back(engine, make_engine, ref):
    async with paired(engine, next_epoch(ref)) as (connection, recorder):
        async with connected(make_engine(), ref) as (_, late):
            await late.wait_for(events.Replaced)
        await connection.send(HELLO)
        await recorder.wait_for_receipts(ReceiptKind.READ, ["msg_1"])

    assert late.events == [events.Replaced()]
    assert recorder.of(events.Replaced) == []


@live
async def test_a_replaced_stream_can_not_log_the_device_out(engine, make_engine, ref):
    async with (
        paired(engine, ref) as (older, old),
        connected(make_engine(), next_epoch(ref)) as (_, new),
    ):
        await old.wait_for(events.Replaced)
        with pytest.raises(EngineError, match="Another client"):
            await older.logout()
        await new.wait_for(events.Connected)


@live
async def test_a_simulated_replacement_leaves_the_device_linked(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        await connection.act("fault", {"kind": "replaced"})
        await recorder.wait_for(events.Replaced)
    async with connected(engine, ref) as (_, recorder):
        await recorder.wait_for(events.Connected)


@live
async def test_a_slow_sink_holds_up_nobody_else_and_can_be_left(engine, make_ref):
    stuck = asyncio.Event()

    async def slow(event):
        stuck.set()
        await asyncio.Event().wait()

    blocked = await engine.connect(make_ref(), Listener(slow))
    await stuck.wait()
    async with paired(engine, make_ref()) as (connection, recorder):
        await connection.send(HELLO)
        await recorder.wait_for_receipts(ReceiptKind.READ, ["msg_1"])
    await blocked.close()


@live
async def test_an_action_that_the_close_cuts_off_may_be_repeated(engine, ref):
    stuck, up = asyncio.Event(), asyncio.Event()

    async def stops_listening(event):
        if isinstance(event, events.Connected):
            up.set()
        if isinstance(event, events.MessageReceived):
            stuck.set()
            await asyncio.Event().wait()

    connection = await engine.connect(ref, Listener(stops_listening))
    await connection.act("scan", {})
    await up.wait()
    writing = [
        asyncio.create_task(connection.act("inbound", {"from": FRIEND, "text": "Hi"}))
        for _ in range(2)
    ]
    await stuck.wait()
    await connection.close()

    for outcome in await asyncio.gather(*writing, return_exceptions=True):
        assert isinstance(outcome, EngineError)
        assert outcome.retryable


@live
async def test_the_sink_itself_may_close_the_connection(engine, ref):
    heard = []
    closed = asyncio.Event()

    async def closes(event):
        heard.append(event)
        if isinstance(event, events.MessageReceived):
            await connection.close()
            closed.set()

    connection = await engine.connect(ref, Listener(closes))
    await connection.act("inbound", {"from": FRIEND, "text": "Hi", "count": 5})
    await connection.act("scan", {})
    await closed.wait()
    await asyncio.sleep(0.1)

    assert isinstance(heard[-1], events.MessageReceived)
    assert heard[-1].text == "Hi #1"


def test_a_loop_that_ends_with_open_connections_leaves_nothing_behind(engine, make_ref):
    refs = [make_ref() for _ in range(3)]
    sending = []

    async def leave_open():
        for ref in refs:
            recorder = Recorder()
            connection = await engine.connect(ref, recorder)
            await connection.act("scan", {})
            await recorder.wait_for(events.Connected)
            sending.append(asyncio.create_task(connection.send(HELLO)))
            await asyncio.sleep(0)

    asyncio.run(leave_open())
    gc.collect()  # a connection that nobody closed would warn here

    @live
    async def come_back():
        async with connected(engine, refs[0]) as (_, recorder):
            await recorder.wait_for(events.Connected)

    come_back()
