"""Engines that do what no contract allows, and moments that meet: nothing stays open."""

import asyncio

import pytest

from sessions_app.engines import events
from sessions_app.engines.tests.live import live
from sessions_app.runner.tests.odd import JID, OddEngine, Reports, offered, says, until, working
from sessions_app.states import SessionStatus

UP = events.Connected(JID)


@pytest.fixture
def engine():
    with offered(OddEngine()) as made:
        made.plays = [says(UP)]
        yield made


@pytest.fixture
def reports():
    return Reports()


async def mistaken(*_):
    raise RuntimeError("a mistake")


@live
async def test_a_probe_that_ends_in_a_mistake_opens_the_stream_anew(engine, reports):
    engine.status = mistaken

    async with working(engine, reports, silence=0.02):
        await until(lambda: len(engine.opened) >= 2)

    assert engine.opened[0].closed == 1


@live
async def test_a_connection_that_closes_with_a_mistake_is_replaced_all_the_same(
    engine, reports, monkeypatch
):
    async with working(engine, reports) as worker:
        await until(lambda: worker.connected)
        monkeypatch.setattr(engine.opened[0], "close", mistaken)
        await engine.opened[0].sink(events.ConnectFailed("503"))
        await until(lambda: len(engine.opened) == 2 and worker.connected)
        monkeypatch.setattr(engine.opened[1], "close", mistaken)

        await worker.halt("stop requested")

    assert reports.moves() == [SessionStatus.STOPPED]


@live
async def test_a_logout_that_ends_in_a_mistake_leaves_no_connection(
    engine, reports, monkeypatch
):
    async with working(engine, reports) as worker:
        await until(lambda: worker.connected)
        monkeypatch.setattr(engine.opened[0], "logout", mistaken)

        with pytest.raises(RuntimeError):
            await worker.forget()

        assert engine.opened[0].closed == 1


@live
async def test_a_connection_that_is_made_while_the_session_closes_is_dropped(engine, reports):
    closing = []

    async def play(_):
        closing.append(asyncio.create_task(worker.close()))  # runs before the opener goes on

    engine.plays = [play]
    async with working(engine, reports) as worker:
        await until(lambda: closing)
        async with asyncio.timeout(5):
            await closing[0]

    assert worker.line.connection is None
