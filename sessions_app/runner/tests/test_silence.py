"""Streams that stand and say nothing."""

import asyncio

import pytest

from sessions_app.engines import events
from sessions_app.engines.answers import LiveStatus
from sessions_app.engines.base import CapabilityMissing, EngineError
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.tests.live import live
from sessions_app.runner.tests.odd import JID, OddEngine, Reports, offered, says, until, working

UP = events.Connected(JID)


@pytest.fixture
def engine():
    with offered(OddEngine()) as made:
        made.plays = [says(UP)]
        yield made


@pytest.fixture
def reports():
    return Reports()


async def gone():
    raise EngineError("no answer", retryable=True)


async def hangs():
    await asyncio.sleep(60)


async def says_no():
    return LiveStatus(connected=False, linked=True)


@live
async def test_a_silent_stream_that_answers_is_left_alone(engine, reports):
    async with working(engine, reports, silence=0.02):
        await until(lambda: engine.probes >= 2)

    assert len(engine.opened) == 1
    assert reports.events() == [UP]


@pytest.mark.parametrize("answer", [gone, hangs, says_no])
@live
async def test_a_silent_stream_without_a_good_answer_is_opened_anew(engine, reports, answer):
    engine.status = answer

    async with working(engine, reports, silence=0.02, probe=0.05):
        await until(lambda: len(engine.opened) >= 2)
        await until(lambda: reports.events().count(UP) >= 2)

    kinds = [type(event).__name__ for event in reports.events()[:4]]
    assert kinds == ["Connected", "Degraded", "ConnectFailed", "Connected"]


@live
async def test_a_stream_that_falls_silent_too_often_is_given_up(engine, reports):
    engine.status = gone

    async with working(engine, reports, silence=0.02, restarts_per_hour=1) as worker:
        await until(lambda: worker.ended)

    assert len(engine.opened) == 2
    assert reports.events()[-1].code == "silent_too_often"


@live
async def test_a_degraded_stream_is_opened_anew_after_a_while(engine, reports):
    engine.plays = [says(UP, events.Degraded("No pong.")), says(UP)]

    async with working(engine, reports, unwell=0.02) as worker:
        await until(lambda: engine.opened)
        assert not worker.connected
        await until(lambda: worker.connected)

    assert len(engine.opened) == 2


@live
async def test_a_degraded_stream_that_recovers_is_left_alone(engine, reports):
    engine.plays = [says(UP, events.Degraded("No pong."), UP)]

    async with working(engine, reports, unwell=0.02) as worker:
        await until(lambda: worker.connected)
        await asyncio.sleep(1.2)

    assert len(engine.opened) == 1


@live
async def test_a_broken_stream_that_its_engine_forgot_is_opened_anew(engine, reports):
    engine.plays = [says(UP, events.Disconnected("The socket closed.")), says(UP)]

    async with working(engine, reports, unwell=0.02, restarts_per_hour=0) as worker:
        await until(lambda: worker.connected)

    assert len(engine.opened) == 2


@live
async def test_an_engine_that_can_not_be_asked_is_believed(engine, reports):
    async def never():
        raise CapabilityMissing(Capability.CONNECTION_EVENTS)

    engine.status = never

    async with working(engine, reports, silence=0.02):
        await until(lambda: engine.probes >= 2)

    assert len(engine.opened) == 1


@live
async def test_a_session_that_shows_a_code_may_be_silent(engine, reports):
    engine.plays = [says()]

    async with working(engine, reports, silence=0.02, unwell=0.02):
        await until(lambda: engine.opened)
        await asyncio.sleep(1.2)

    assert (engine.probes, len(engine.opened)) == (0, 1)
