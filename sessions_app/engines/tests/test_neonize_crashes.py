"""Hosts that are killed or hang: what was accepted and what was heard survives."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.tests import neonize_lane
from sessions_app.engines.tests.live import connected, live
from sessions_app.engines.tests.neonize_lane import FRIENDS_NUMBER, HASTY, OWN_NUMBER, host_of

pytestmark = [pytest.mark.neonize, pytest.mark.xdist_group("neonize")]

FRIEND, OURSELVES = (f"{number}@s.whatsapp.net" for number in (FRIENDS_NUMBER, OWN_NUMBER))


def kill(connection):
    os.kill(host_of(connection), signal.SIGKILL)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@live
async def test_a_host_that_dies_before_the_pairing_shows_a_new_code(neonize_engine, whatsapp):
    async with connected(neonize_engine, neonize_lane.new_ref()) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        kill(connection)
        again = await recorder.wait_for(events.ChallengeIssued, count=2)
        await neonize_lane.scan(whatsapp, OWN_NUMBER, again.text)
        await recorder.wait_for(events.Connected)

    kinds = [type(event).__name__ for event in recorder.events]
    assert kinds[:3] == ["ChallengeIssued", "Disconnected", "ChallengeIssued"]
    assert again.seq == 1


@live
async def test_a_host_that_dies_right_after_the_scan_needs_no_new_code(
    neonize_engine, whatsapp
):
    async with connected(neonize_engine, neonize_lane.new_ref()) as (connection, recorder):
        challenge = await recorder.wait_for(events.ChallengeIssued)
        await neonize_lane.scan(whatsapp, OWN_NUMBER, challenge.text)
        await recorder.wait_for(events.Paired)
        kill(connection)
        await recorder.wait_for(events.Disconnected)
        up = await recorder.wait_for(events.Connected)

    assert up.jid == OURSELVES
    assert len(recorder.of(events.ChallengeIssued)) == 1


@live
async def test_a_send_whose_host_dies_has_an_unknown_outcome(neonize_engine, whatsapp):
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref) as (connection, _):
        os.kill(host_of(connection), signal.SIGSTOP)
        sending = asyncio.create_task(connection.send(OutgoingText("msg_1", FRIEND, "Hello")))
        await asyncio.sleep(0)
        kill(connection)

        with pytest.raises(EngineError) as refused:
            await sending

    assert refused.value.outcome_unknown
    assert not refused.value.retryable


@live
async def test_messages_that_no_database_has_come_again(neonize_engine, whatsapp):
    async with neonize_lane.two_sessions(whatsapp, neonize_engine) as (ours, heard, theirs, _):
        heard.keeping.clear()
        await theirs.send(OutgoingText("msg_1", OURSELVES, "Good morning"))
        first = await heard.wait_for(events.MessageReceived)
        kill(ours)
        again = await heard.wait_for(events.MessageReceived, count=2)
        heard.keeping.set()

    assert again == first
    assert again.text == "Good morning"
    resumed = heard.events.index(heard.of(events.Connected)[1])
    assert resumed < len(heard.events) - 1 - heard.events[::-1].index(again)


@live
async def test_messages_that_the_database_has_do_not_come_again(neonize_engine, whatsapp):
    async with neonize_lane.two_sessions(whatsapp, neonize_engine) as (ours, heard, theirs, _):
        await theirs.send(OutgoingText("msg_1", OURSELVES, "Good morning"))
        await heard.wait_for(events.MessageReceived)
        await ours.status()  # the host has the acknowledgement that was sent before it
        await ours.status()
        kill(ours)
        await heard.wait_for(events.Connected, count=2)
        await theirs.send(OutgoingText("msg_2", OURSELVES, "Good evening"))
        await heard.wait_for(events.MessageReceived, count=2)

    assert [one.text for one in heard.of(events.MessageReceived)] == [
        "Good morning",
        "Good evening",
    ]


@live
async def test_a_host_that_hangs_is_killed_and_started_anew(whatsapp, tmp_path):
    neonize_lane.forget_devices()
    hasty = replace(HASTY, answer=5.0)  # a host on a busy machine needs seconds to start
    engine = neonize_lane.make_engine(whatsapp, tmp_path, patience=hasty)
    async with neonize_lane.paired(whatsapp, engine, neonize_lane.new_ref()) as (
        connection,
        recorder,
    ):
        os.kill(host_of(connection), signal.SIGSTOP)
        gone = await recorder.wait_for(events.Disconnected)
        await recorder.wait_for(events.Connected, count=2)

    assert gone.reason == "The engine ended: it hung."


@live
async def test_a_host_that_grows_too_large_is_killed(whatsapp, tmp_path):
    neonize_lane.forget_devices()
    engine = neonize_lane.make_engine(whatsapp, tmp_path, memory_limit_mb=50)
    async with connected(engine, neonize_lane.new_ref()) as (_, recorder):
        gone = await recorder.wait_for(events.Disconnected)

    assert gone.reason == "The engine ended: it grew too large."


@live
async def test_a_host_without_its_store_is_started_until_it_has_it(whatsapp, tmp_path):
    patience = replace(HASTY, crashes=2)
    engine = neonize_lane.make_engine(whatsapp, tmp_path, patience=patience)
    await engine._prepare()  # the store was there when the first session came
    engine._dsn, there = "postgresql://nobody@127.0.0.1:1/nowhere", engine._dsn
    async with connected(engine, neonize_lane.new_ref()) as (connection, recorder):
        away = await recorder.wait_for(events.Disconnected, count=3)
        connection._keeper._start["dsn"] = there
        await recorder.wait_for(events.ChallengeIssued)

    assert away.reason == "The device store failed (OperationalError)."
    assert recorder.of(events.ConnectFailed) == []


@live
async def test_a_host_that_crashes_again_and_again_is_given_up(whatsapp, tmp_path):
    engine = neonize_lane.make_engine(whatsapp, tmp_path)
    engine._prepared = True
    engine._command = replace(engine._command, command=("/bin/false",))
    async with connected(engine, neonize_lane.new_ref()) as (connection, recorder):
        failed = await recorder.wait_for(events.ConnectFailed)
        with pytest.raises(EngineError):
            await connection.status()

    assert failed.code == "host_crashed"
    assert len(recorder.of(events.Disconnected)) == HASTY.crashes - 1


@live
async def test_closing_ends_the_host_at_once(neonize_engine, whatsapp):
    async with connected(neonize_engine, neonize_lane.new_ref()) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        pid = host_of(connection)
        began = time.monotonic()
        await connection.close()

        assert time.monotonic() - began < 2
        assert not is_alive(pid)
