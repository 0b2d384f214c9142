"""How a session's connection is opened, tried again, doubted and given up."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sessions_app import failures
from sessions_app.engines import events
from sessions_app.engines.base import CapabilityMissing, EngineError
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.tests.live import live
from sessions_app.failures import Retry
from sessions_app.ingest.reports import Left
from sessions_app.runner import line
from sessions_app.runner.line import refusal
from sessions_app.runner.tests.odd import (
    JID,
    OddEngine,
    Reports,
    offered,
    refuses,
    says,
    until,
    working,
)
from sessions_app.services.engine_refs import Unusable
from sessions_app.states import SessionStatus

UP = events.Connected(JID)
DOWN = events.Disconnected("The socket closed.")
OUT = events.LoggedOut("The phone removed the device.")
PAIRED = events.Paired(JID)
NEW_CODE = events.ChallengeIssued("2@code", 1, timedelta(seconds=60))


@pytest.fixture
def engine():
    with offered(OddEngine()) as made:
        yield made


@pytest.fixture
def reports():
    return Reports()


def refused(code):
    return events.ConnectFailed(code)


@live
async def test_a_passing_failure_is_tried_again_until_the_stream_is_up(engine, reports):
    away = EngineError("no route", retryable=True)
    engine.plays = [refuses(away)] * 12 + [says(UP)]

    async with working(engine, reports) as worker:
        await until(lambda: worker.connected)

    assert len(engine.opened) == 13
    assert [event.code for event in reports.events()[:-1]] == ["unreachable"] * 12
    assert not worker.ended


@live
async def test_what_the_engine_reports_as_a_passing_failure_opens_a_new_connection(
    engine, reports
):
    engine.plays = [says(UP, refused("503")), says(UP)]

    async with working(engine, reports):
        await until(lambda: len(engine.opened) == 2)
        await until(lambda: reports.events()[-1] == UP)

    assert engine.opened[0].closed == 1
    assert reports.events() == [UP, refused("503"), UP]


@live
async def test_a_cool_down_says_when_the_next_attempt_is(engine, reports):
    engine.plays = [says(refused("413"))]
    before = datetime.now(UTC)

    async with working(engine, reports) as worker:
        await until(lambda: reports.all)

    (report,) = reports.all
    waits = report.retry_at - before
    assert timedelta(minutes=5) <= waits <= timedelta(minutes=6)
    assert not worker.ended


@pytest.mark.parametrize("code", ["403", "405", "406", "409", "402"])
@live
async def test_what_only_a_person_or_time_can_mend_is_not_tried_again(engine, reports, code):
    engine.plays = [says(refused(code))]

    async with working(engine, reports) as worker:
        await until(lambda: worker.ended)
        await asyncio.sleep(0.1)

    assert failures.failure(code).retry in {Retry.NEVER, Retry.AT_END}
    assert reports.events() == [refused(code)]
    assert len(engine.opened) == 1


@live
async def test_an_engine_that_is_not_offered_faults_its_session_alone(reports):
    async with working(None, reports) as worker:
        await until(lambda: worker.ended)

    (event,) = reports.events()
    assert event.code == "engine_missing"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unusable("proxy_disabled"), "proxy_disabled"),
        (Unusable("gateway_quarantined"), "gateway_quarantined"),
        (CapabilityMissing(Capability.PAIR_QR), "engine_missing"),
        (EngineError("busy", retryable=True), "unreachable"),
        (EngineError("the proxy is away", retryable=True, code="proxy_down"), "proxy_down"),
        (EngineError("a word of the engine's own", code="X9"), "engine_error"),
        (TimeoutError(), "unreachable"),
    ],
)
def test_every_error_of_a_connect_has_a_name_in_the_table(error, code):
    failed = refusal(error)

    assert failed.code == code
    assert failures.failure(code) is not failures.UNKNOWN_CODE


@live
async def test_an_engine_that_hangs_is_given_up_and_tried_again(engine, reports, monkeypatch):
    async def hang(_):
        await asyncio.sleep(60)

    monkeypatch.setattr(line, "_OPEN_SECONDS", 0.05)
    engine.plays = [hang, says(UP)]

    async with working(engine, reports) as worker:
        await until(lambda: worker.connected)

    assert [event for event in reports.events() if event == UP] == [UP]


@live
async def test_a_mistake_of_the_engine_ends_its_session_alone(engine, reports):
    engine.plays = [refuses(KeyError("jid"))]

    async with working(engine, reports) as worker:
        await until(lambda: worker.ended)

    assert reports.events() == [events.ConnectFailed("engine_error", "KeyError")]


# -- short interruptions ---------------------


@live
async def test_a_stream_that_is_back_in_time_was_never_away(engine, reports):
    engine.plays = [says(UP, DOWN, UP)]

    async with working(engine, reports, flap=0.1) as worker:
        await until(lambda: worker.connected)
        await asyncio.sleep(0.2)

    assert reports.events() == [UP, UP]


@live
async def test_sends_are_held_at_once_and_a_long_interruption_is_told(engine, reports):
    engine.plays = [says(UP, DOWN)]

    async with working(engine, reports, flap=0.1) as worker:
        await until(lambda: engine.opened)
        assert (worker.connected, reports.events()) == (False, [UP])
        await until(lambda: DOWN in reports.events())

    assert reports.events() == [UP, DOWN]


@live
async def test_the_restart_after_a_pairing_is_nobodys_business(engine, reports):
    engine.plays = [says(NEW_CODE, PAIRED, refused("515")), says(UP)]

    async with working(engine, reports, flap=5.0) as worker:
        await until(lambda: worker.connected)

    assert reports.events() == [NEW_CODE, PAIRED, UP]


@live
async def test_a_logout_right_after_a_pairing_is_believed_when_it_is_said_twice(
    engine, reports
):
    engine.plays = [says(PAIRED, OUT), says(OUT)]

    async with working(engine, reports, flap=5.0) as worker:
        await until(lambda: worker.ended)

    assert len(engine.opened) == 2
    assert reports.events() == [PAIRED, OUT]


@live
async def test_a_new_code_after_a_doubted_logout_confirms_it(engine, reports):
    engine.plays = [says(UP, events.Disconnected("Stream error 515."), OUT), says(NEW_CODE)]

    async with working(engine, reports, flap=5.0) as worker:
        await until(lambda: worker.ended)

    assert reports.events() == [UP, OUT]


@live
async def test_a_doubted_logout_that_was_none_leaves_no_trace(engine, reports):
    engine.plays = [says(PAIRED, refused("401")), says(UP)]

    async with working(engine, reports, flap=5.0) as worker:
        await until(lambda: worker.connected)

    assert reports.events() == [PAIRED, UP]


@live
async def test_a_logout_at_any_other_time_is_believed_at_once(engine, reports):
    engine.plays = [says(UP, OUT)]

    async with working(engine, reports, flap=5.0) as worker:
        await until(lambda: worker.ended)

    assert reports.events() == [UP, OUT]


# -- the rest ---------------------


@live
async def test_state_events_are_numbered_and_traffic_is_not(engine, reports):
    typing = events.TypingShown(JID)
    engine.plays = [says(UP, typing, events.Restricted(), OUT)]

    async with working(engine, reports) as worker:
        await until(lambda: worker.ended)
        await worker.move(SessionStatus.STOPPED, "stop requested")

    assert [report.seq for report in reports.all] == [1, 0, 2, 3, 4]


@live
async def test_a_connection_that_was_replaced_has_no_say_in_the_state(engine, reports):
    engine.plays = [says(UP, refused("503")), says(UP)]

    async with working(engine, reports) as worker:
        await until(lambda: len(engine.opened) == 2 and worker.connected)
        await engine.opened[0].sink(OUT)

        assert worker.connected

    assert OUT not in reports.events()


@live
async def test_a_runner_that_stops_leaves_the_stream_to_the_next(engine, reports):
    engine.plays = [says(UP)]

    async with working(engine, reports) as worker:
        await until(lambda: worker.line.connection)
        await worker.hand_over()

    assert (engine.opened[0].left, engine.opened[0].closed) == (1, 0)
    assert isinstance(reports.all[-1], Left)


@live
async def test_a_logout_that_was_asked_for_ends_the_run(engine, reports):
    engine.plays = [says(UP)]

    async with working(engine, reports) as worker:
        await until(lambda: worker.line.connection)
        await worker.unlink()

        assert worker.ended

    assert engine.logouts == 1
    assert reports.events() == [UP, refused("logout_requested")]
