"""What a host answers while its session comes and goes: its client is played here."""

from __future__ import annotations

import asyncio
import io

import pytest

from sessions_app.engines.base import EngineError
from sessions_app.engines.neonize import frames
from sessions_app.engines.tests.live import live
from sessions_app.engines.tests.neonize_protos import HostedSession, translate

pytestmark = [pytest.mark.neonize, pytest.mark.xdist_group("neonize")]


class Calls:
    """Answers when it is told to; or fails."""

    def __init__(self):
        self.may_answer = asyncio.Event()
        self.failure = None

    async def run(self, op, args, state):
        if op == "logout":
            await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return {}


class Writer(io.BytesIO):
    """Keeps what the runner would read."""

    def is_closing(self):
        return False

    async def said(self):
        reader = asyncio.StreamReader()
        reader.feed_data(self.getvalue())
        reader.feed_eof()
        return [frame async for frame in _frames(reader)]


async def _frames(reader):
    while (frame := await frames.read(reader)) is not None:
        yield frame


@pytest.fixture
def make_session(tmp_path):
    def make():
        start = {"session_id": "ses_1", "dsn": "", "proxy": "", "device_name": "Orsta"}
        session = HostedSession(start | {"spool": str(tmp_path)}, Writer())
        session._calls = Calls()
        return session

    return make


@live
async def test_a_question_during_a_logout_does_not_make_its_end_news(make_session):
    session = make_session()
    leaving = asyncio.create_task(session._answer(1, "logout", {}))
    await asyncio.sleep(0)

    await session._answer(2, "status", {})

    assert session._leaving
    session._calls.may_answer.set()
    await leaving
    assert session._leaving


@live
async def test_a_logout_that_was_refused_leaves_the_session_as_it_was(make_session):
    session = make_session()
    session._calls.may_answer.set()
    session._calls.failure = EngineError("It is not connected.", retryable=True)

    await session._answer(1, "logout", {})

    assert not session._leaving
    [refused] = await session._writer.said()
    assert refused["err"]["retryable"]


@live
async def test_what_comes_while_it_hangs_up_is_kept_before_it_answers(make_session):
    session = make_session()
    session._spool.open()
    session._heard_at = 0.0  # nothing for long
    [code, *_] = translate.TRAFFIC
    session._loop.call_later(0.1, session._hear, code, b"late")

    await session._answer(1, "leave", {})

    session._spool.close()
    assert [entry.data for entry in session._entries] == [b"late"]
    assert [frame["id"] for frame in await session._writer.said()] == [1]


@pytest.mark.parametrize("op", ["send", "contacts"])
def test_whether_a_message_left_a_host_that_failed_is_unknown(make_session, op):
    @live
    async def scene():
        session = make_session()
        session._calls.failure = TypeError("a bug, about a secret")

        await session._answer(1, op, {})

        [answer] = await session._writer.said()
        assert answer["err"]["message"] == "The host failed (TypeError)."
        assert answer["err"]["outcome_unknown"] is (op == "send")

    scene()


@live
async def test_an_answer_that_is_too_long_ends_no_host(make_session, monkeypatch):
    session = make_session()
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 200)
    monkeypatch.setattr(session._calls, "run", _much)

    await session._answer(1, "download", {})

    [answer] = await session._writer.said()
    assert answer["err"]["message"] == "The host failed (BrokenFrame)."


async def _much(op, args, state):
    return {"data": "x" * 200}
