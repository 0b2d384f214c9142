"""What becomes of the texts that a sandbox device sends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.tests.contract import FRIEND
from sessions_app.engines.tests.live import connected, live, paired, world

# Sends ten texts and dies before any receipt is due.
KILLED_RUNNER = """
import asyncio, os, signal, sys
from sessions_app.engines.base import SessionRef
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.sandbox.engine import SandboxEngine
from sessions_app.engines.tests.live import Listener

async def main():
    up = asyncio.Event()
    async def hear(event):
        if type(event).__name__ == "Connected":
            up.set()
    engine = SandboxEngine(os.environ["DATABASE_URL"], speed=0.5)
    connection = await engine.connect(SessionRef(sys.argv[1], epoch=1), Listener(hear))
    await up.wait()
    for number in range(10):
        await connection.send(OutgoingText(f"msg_{number}", "15550100123@s.whatsapp.net", "Hi"))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def text(message_id, body="Hello"):
    return OutgoingText(message_id, FRIEND, body)


def delivered(ref):
    rows = world(
        "SELECT message_id, recipient, body FROM sandbox.delivered"
        " WHERE session_id = %s ORDER BY seq",
        ref.session_id,
    )
    return [OutgoingText(*row) for row in rows]


def armed(ref):
    query = "SELECT count(*) FROM sandbox.fault WHERE session_id = %s"
    return world(query, ref.session_id)[0][0]


@live
async def test_texts_arrive_in_the_order_in_which_they_were_sent(engine, ref):
    sent = [text(f"msg_{number}", f"Number {number}") for number in range(300)]
    async with paired(engine, ref) as (connection, _):
        await asyncio.gather(*(connection.send(message) for message in sent))

    assert delivered(ref) == sent


@live
async def test_sends_of_many_sessions_share_a_write_and_keep_apart(engine, make_ref):
    refs = [make_ref() for _ in range(5)]
    async with (
        paired(engine, refs[0]) as (a, _),
        paired(engine, refs[1]) as (b, _),
        paired(engine, refs[2]) as (c, _),
    ):
        sends = (one.send(text(f"msg_{n}")) for n in range(20) for one in (a, b, c))
        await asyncio.gather(*sends)

    assert [len(delivered(ref)) for ref in refs] == [20, 20, 20, 0, 0]


@live
async def test_a_repeated_id_is_one_message_at_once_and_later(engine, ref):
    async with paired(engine, ref) as (connection, _):
        at_once = await asyncio.gather(*(connection.send(text("msg_1")) for _ in range(5)))
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.Connected)
        later = await connection.send(text("msg_1", "Another text"))
        await recorder.wait_for_receipts(ReceiptKind.READ, ["msg_1"])

    assert {(sent.wa_id, sent.sent_at) for sent in [*at_once, later]} == {
        ("msg_1", later.sent_at)
    }
    assert delivered(ref) == [text("msg_1")]


@live
async def test_receipts_that_are_due_together_come_together(engine, ref):
    wa_ids = [f"msg_{number}" for number in range(200)]
    async with paired(engine, ref) as (connection, recorder):
        await asyncio.gather(*(connection.send(text(wa_id)) for wa_id in wa_ids))
        await recorder.wait_for_receipts(ReceiptKind.READ, wa_ids)

    found = recorder.of(events.ReceiptReceived)
    assert len(found) < 50
    for kind in ReceiptKind:
        assert [id_ for event in found if event.kind is kind for id_ in event.wa_ids] == wa_ids
    assert found[0].kind is ReceiptKind.DELIVERED


def test_what_a_killed_runner_did_not_emit_comes_with_the_next_one(engine, ref):
    @live
    async def link():
        async with paired(engine, ref):
            pass

    @live
    async def resume():
        async with connected(engine, ref) as (_, recorder):
            await recorder.wait_for_receipts(ReceiptKind.READ, wa_ids)
            assert isinstance(recorder.events[0], events.Connected)
            assert recorder.receipted(ReceiptKind.DELIVERED) == set(wa_ids)

    wa_ids = [f"msg_{number}" for number in range(10)]
    link()
    command = [sys.executable, "-c", KILLED_RUNNER, ref.session_id]
    path = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": path}
    killed = subprocess.run(command, check=False, env=environment)  # noqa: S603 (our own code)

    assert killed.returncode == -signal.SIGKILL
    resume()


@live
async def test_what_was_emitted_is_not_emitted_again_after_a_clean_close(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        await connection.send(text("msg_1"))
        await recorder.wait_for_receipts(ReceiptKind.READ, ["msg_1"])
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.Connected)
        await connection.send(text("msg_2"))
        await recorder.wait_for_receipts(ReceiptKind.READ, ["msg_2"])

    assert recorder.receipted(ReceiptKind.READ) == {"msg_2"}


@live
async def test_a_refused_send_never_reaches_the_world(engine, ref):
    async with paired(engine, ref) as (connection, _):
        await connection.act("fault", {"kind": "send_failed"})
        with pytest.raises(EngineError) as refused:
            await connection.send(text("msg_1"))
        await connection.send(text("msg_2"))

    assert (refused.value.retryable, refused.value.outcome_unknown) == (False, False)
    assert delivered(ref) == [text("msg_2")]


@live
async def test_a_busy_server_takes_the_text_the_next_time(engine, ref):
    async with paired(engine, ref) as (connection, _):
        await connection.act("fault", {"kind": "send_retry"})
        with pytest.raises(EngineError) as refused:
            await connection.send(text("msg_1"))
        await connection.send(text("msg_1"))

    assert (refused.value.retryable, refused.value.outcome_unknown) == (True, False)
    assert delivered(ref) == [text("msg_1")]


@live
async def test_an_unanswered_send_happened_and_gets_its_receipts(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        await connection.act("fault", {"kind": "send_unknown"})
        with pytest.raises(EngineError) as unknown:
            await connection.send(text("msg_1"))
        await recorder.wait_for_receipts(ReceiptKind.READ, ["msg_1"])

    assert (unknown.value.retryable, unknown.value.outcome_unknown) == (False, True)
    assert delivered(ref) == [text("msg_1")]


@live
async def test_an_armed_fault_outlives_the_connection_and_is_met_once(engine, ref):
    async with paired(engine, ref) as (connection, _):
        await connection.act("fault", {"kind": "send_failed"})
        await connection.act("fault", {"kind": "send_retry"})
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.Connected)
        for retryable in (False, True):
            with pytest.raises(EngineError) as refused:
                await connection.send(text("msg_1"))
            assert refused.value.retryable is retryable
        await connection.send(text("msg_1"))

    assert armed(ref) == 0


@pytest.mark.parametrize("body", ["nul \x00", "half a pair \ud83d"])
def test_a_text_that_can_not_be_stored_spoils_no_other_send(engine, ref, body):
    @live
    async def send():
        async with paired(engine, ref) as (connection, _):
            return await asyncio.gather(
                *(connection.send(text(f"msg_{n}", b)) for n, b in enumerate(["a", body, "b"])),
                return_exceptions=True,
            )

    send()

    assert [message.text for message in delivered(ref)] == ["a", "b"]


@live
async def test_a_cancelled_send_still_gets_its_receipts_once_it_was_taken(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        sending = asyncio.create_task(connection.send(text("msg_1")))
        await asyncio.sleep(0.001)
        sending.cancel()
        await connection.send(text("msg_2"))
        taken = [message.message_id for message in delivered(ref)]
        await recorder.wait_for_receipts(ReceiptKind.READ, taken)

    assert "msg_2" in taken


@live
async def test_old_messages_are_forgotten_and_young_ones_kept(engine, ref):
    async with paired(engine, ref) as (connection, _):
        for message_id in ("old", "young"):
            await connection.send(text(message_id))
        world(
            "UPDATE sandbox.delivered SET taken_at = now() - interval '8 days'"
            " WHERE session_id = %s AND message_id = 'old'",
            ref.session_id,
        )
        await connection._hub.world.forget()

    assert delivered(ref) == [text("young")]


@live
async def test_a_broken_database_connection_costs_no_message(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        await connection.send(text("msg_1"))
        broken = connection._hub.world._connection
        world("SELECT pg_terminate_backend(%s)", broken.info.backend_pid)
        while not broken.closed:  # the termination takes a moment
            with contextlib.suppress(EngineError):
                await connection.send(text("msg_1"))
        await connection.send(text("msg_2"))
        await recorder.wait_for_receipts(ReceiptKind.READ, ["msg_1", "msg_2"])

    assert [message.message_id for message in delivered(ref)] == ["msg_1", "msg_2"]
