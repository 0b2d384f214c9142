"""A gateway that fails, in every way that one can: nothing hangs, nothing is sent twice."""

from __future__ import annotations

import logging

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.tests.contract import FRIEND
from sessions_app.engines.tests.fake_gateway import FakeGateway
from sessions_app.engines.tests.fake_gateway.server import serve
from sessions_app.engines.tests.fixtures import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.live import Recorder, connected, live
from sessions_app.engines.tests.wuzapi_rig import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.wuzapi_rig import HearingEngine, paired, session_ref
from sessions_app.engines.wuzapi import errors, qr
from sessions_app.engines.wuzapi.client import FAILURES_IN_A_ROW
from sessions_app.engines.wuzapi.engine import WuzapiEngine

TEXT = OutgoingText("3EB0AA", FRIEND, "Hello")


@pytest.fixture
def hasty(gateway_server):
    """An engine that waits half a second at most."""
    return HearingEngine(gateway_server, timeout_seconds=0.5)


@pytest.fixture
def made(hasty, gateway_server):
    ref = session_ref(gateway_server)
    hasty.provision(ref)
    return ref


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "slow", "seconds": 2.0},
        {"kind": "error", "status": 502},
        {"kind": "error", "status": 500, "text": "something new"},
        {"kind": "drop"},
        {"kind": "late_drop"},
    ],
    ids=["slow", "502", "500", "drop", "late_drop"],
)
def test_a_send_without_an_answer_can_be_repeated(hasty, gateway_server, made, fault):
    @live
    async def scene():
        async with paired(hasty, gateway_server, made) as (connection, _):
            gateway_server.fail("/chat/send/text", **fault)
            with pytest.raises(EngineError) as failed:
                await connection.send(TEXT)
            sent = await connection.send(TEXT)

        assert failed.value.retryable
        assert not failed.value.outcome_unknown
        assert sent.wa_id == TEXT.message_id
        assert list(gateway_server.user(made.session_id).sent) == [TEXT.message_id]

    scene()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "huge", "size": 17 * 1024 * 1024}, errors.ANSWER_TOO_BIG),
        ({"kind": "html"}, "not_json"),
        ({"kind": "redirect", "location": "http://192.0.2.1/"}, ""),
    ],
    ids=["huge", "html", "redirect"],
)
def test_a_wrong_answer_is_refused(hasty, gateway_server, made, fault, code):
    gateway_server.fail("/admin/users", **fault)

    with pytest.raises(EngineError) as refused:
        hasty.provision(made)

    assert refused.value.code == code
    assert not refused.value.retryable


def test_a_slow_gateway_is_given_up(hasty, gateway_server, made):
    gateway_server.fail("/admin/users", "slow", seconds=2.0)

    with pytest.raises(errors.GatewayAway) as away:
        hasty.survey(made.gateway)

    assert away.value.retryable


def test_a_gateway_that_is_away_is_left_alone(gateway_server):
    engine = WuzapiEngine(timeout_seconds=5, silence_seconds=60)
    ref = session_ref(gateway_server)
    gateway_server.fail("", "error", times=1000)
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(errors.GatewayAway):
            engine.survey(ref.gateway)
    asked = len(gateway_server.requests)

    with pytest.raises(errors.GatewayAway, match="does not answer"):
        engine.survey(ref.gateway)

    assert len(gateway_server.requests) == asked == FAILURES_IN_A_ROW


def test_one_gateways_failure_is_not_the_others(gateway_server):
    engine = WuzapiEngine(timeout_seconds=5, silence_seconds=60)
    gateway_server.fail("", "error", times=1000)
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(errors.GatewayAway):
            engine.survey(session_ref(gateway_server).gateway)

    with serve(FakeGateway()) as other:
        report = engine.survey(session_ref(other).gateway)

    assert report.sessions == []


@live
async def test_a_connection_outlives_its_gateways_pause(engine, gateway_server, ref):
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        gateway_server.fail("/session/status", "error", times=3)
        with pytest.raises(EngineError):
            await connection.status()
        gateway_server.scan(ref.session_id)
        await recorder.wait_for(events.Connected)


@live
async def test_a_token_that_the_gateway_no_longer_takes_ends_the_connection(
    engine, gateway_server, ref
):
    async with connected(engine, ref) as (_, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        gateway_server.users.clear()
        failed = await recorder.wait_for(events.ConnectFailed)

    assert failed == events.ConnectFailed("engine_error", "The gateway refused our token.")


@live
async def test_closing_needs_no_gateway(engine, gateway_server, ref, caplog):
    caplog.set_level(logging.WARNING)
    recorder = Recorder()
    connection = await engine.connect(ref, recorder)
    gateway_server.fail("", "error", times=1000)

    await connection.close()

    assert "Session not disconnected" in caplog.text
    assert gateway_server.user(ref.session_id).client is not None


@live
async def test_subscriptions_that_were_not_kept_are_set_again(engine, gateway_server, ref):
    gateway_server.user(ref.session_id).webhook = "http://elsewhere/"
    gateway_server.forgets_webhooks = 1

    async with connected(engine, ref):
        assert gateway_server.user(ref.session_id).webhook == ref.gateway.webhook_url


@live
async def test_subscriptions_that_are_never_kept_are_an_error(engine, gateway_server, ref):
    gateway_server.user(ref.session_id).webhook = "http://elsewhere/"
    gateway_server.forgets_webhooks = 99

    with pytest.raises(EngineError) as refused:
        async with connected(engine, ref):
            pass

    assert refused.value.code == "not_subscribed"
    assert refused.value.retryable


@live
async def test_an_account_that_may_write_to_nobody_new_is_told(engine, gateway_server, ref):
    said = "error sending message: server returned error 463"
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        gateway_server.fail("/chat/send/text", "error", status=500, text=said)
        with pytest.raises(EngineError) as refused:
            await connection.send(TEXT)
        await recorder.wait_for(events.Restricted)

    assert refused.value.code == "463"
    assert not refused.value.retryable


@pytest.mark.parametrize(
    ("status", "text", "code", "retryable"),
    [
        (500, "no session", "no_session", True),
        (500, "No session", "no_session", True),
        (500, "not connected", "not_connected", True),
        (500, "already connected", "already_connected", False),
        (500, "already logged in", "already_paired", False),
        (400, "already paired", "already_paired", False),
        (409, "user with this token already exists", "duplicate", False),
        (401, "unauthorized", "unauthorized", False),
        (404, "404 page not found", "missing_route", False),
        (500, "database error", "database", True),
        (500, "error sending message: server returned error 463", "463", False),
        (500, "error sending message: server returned error 479", "479", False),
        (500, "error sending message: server returned error 503", "503", True),
        (500, "error sending message: timed out", "timeout", True),
        (500, "error sending message: no signal session", "send_refused", False),
        (500, "anything else", "500", True),
        (400, "missing Phone in Payload", "400", False),
        (502, "", "gateway_down", True),
        (429, "", "429", True),
    ],
)
def test_refusals_are_told_apart_by_their_text(status, text, code, retryable):
    error = errors.refusal(status, {"code": status, "error": text, "success": False})

    assert (error.code, error.retryable) == (code, retryable)


def test_a_good_answer_is_no_refusal():
    assert errors.refusal(200, {"code": 200, "data": {}, "success": True}) is None
    assert errors.refusal(200, {"success": False, "error": "no session"}) is not None


@pytest.mark.parametrize(
    "picture",
    ["", "data:image/png;base64,", "data:image/png;base64,####", "data:image/gif;base64,R0lG"],
)
def test_a_picture_without_a_code_shows_none(picture):
    assert qr.text_of(picture) == ""
