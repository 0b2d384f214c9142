"""How a runner gets along with a host, whatever the host is: here any program plays it."""

from __future__ import annotations

import contextlib
import json
import struct
import sys

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.neonize import frames
from sessions_app.engines.neonize.keeper import Keeper
from sessions_app.engines.neonize.process import (
    _WORDS_BYTES,
    HostCommand,
    HostProcess,
    Patience,
)
from sessions_app.engines.tests.live import Recorder, live

PATIENCE = Patience(first_delay=0.01, max_delay=0.01, crashes=2)
UP = {"seq": 1, "type": "Connected", "data": {"jid": "1@s.whatsapp.net"}, "more": False}
OWN_SOCKET = "import os, sys, time; socket = int(sys.argv[1]); "


def program(code):
    """A host that runs this code."""
    return HostCommand((sys.executable, "-c", OWN_SOCKET + code))


def telling(frame):
    """A host that tells this, and nothing more."""
    body = json.dumps(frame).encode()
    said = struct.pack(">I", len(body)) + body
    return program(f"os.write(socket, {said!r}); time.sleep({60 if frame is UP else 0})")


@contextlib.asynccontextmanager
async def kept(command, sink):
    """A keeper that keeps such hosts alive."""

    async def nothing(*_):
        pass

    start = {"session_id": "ses_1", "proxy": ""}
    keeper = Keeper(command, start, sink, PATIENCE, prepare=nothing, kept=nothing)
    keeper.begin()
    try:
        yield keeper
    finally:
        await keeper.stop()


@contextlib.asynccontextmanager
async def running(command):
    """A host without a keeper."""
    process = HostProcess(command, PATIENCE)
    try:
        await process.open({})
        yield process
    finally:
        await process.close()


@live
async def test_a_host_that_lacks_its_store_is_no_crash():
    recorder = Recorder()
    async with kept(telling({"unready": "The device store failed."}), recorder):
        await recorder.wait_for(events.Disconnected, count=PATIENCE.crashes + 1)

    assert {event.reason for event in recorder.events} == {"The device store failed."}


@live
async def test_a_session_whose_events_can_not_be_kept_ends(caplog):
    class Forgetful(Recorder):
        async def kept(self):
            raise RuntimeError("a bug")

    recorder = Forgetful()
    async with kept(telling(UP), recorder) as keeper:
        await recorder.wait_for(events.ConnectFailed)
        with pytest.raises(EngineError):
            await keeper.call("status", {}, seconds=5)

    assert recorder.events[-1] == events.ConnectFailed("engine_error")
    assert "Session's engine failed" in caplog.text


@live
async def test_a_question_that_is_too_long_is_refused_and_the_next_is_not(monkeypatch):
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 1000)
    async with running(program("time.sleep(60)")) as process:
        with pytest.raises(EngineError) as refused:
            await process.call("upload", {"data": "x" * 1000}, seconds=5)

        assert process._answers == {}

    assert not refused.value.retryable


@live
async def test_of_a_talkative_host_only_the_reason_is_remembered():
    said = "'noise\\n' * 10_000 + 'fatal error: the reason\\n' + 'goroutine\\n' * 100_000"
    async with running(program(f"os.write(2, ({said}).encode())")) as process:
        while not process._stderr.closed:
            process._hear_words()

        assert process.last_words() == "fatal error: the reason"
        assert len(process._words) <= _WORDS_BYTES
