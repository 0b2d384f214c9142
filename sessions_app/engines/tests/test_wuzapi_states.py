"""What is told of a session's state, whatever the gateway posts or forgets to post."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from sessions_app.engines import events
from sessions_app.engines.answers import LiveStatus
from sessions_app.engines.base import EngineError
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.tests.contract import FRIEND
from sessions_app.engines.tests.fixtures import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.live import connected, live
from sessions_app.engines.tests.wuzapi_rig import *  # noqa: F403 (fixtures, paired)
from sessions_app.engines.tests.wuzapi_rig import paired
from sessions_app.engines.wuzapi import stream


@live
async def test_everything_is_told_without_a_single_webhook(
    engine, gateway_server, ref, no_webhooks
):
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        gateway_server.scan(ref.session_id)
        await recorder.wait_for(events.Connected)
        gateway_server.drop(ref.session_id)
        await connection.status()
        await recorder.wait_for(events.Disconnected)
        gateway_server.restore(ref.session_id)
        await recorder.wait_for(events.Connected, 2)

    kinds = [type(event) for event in recorder.events]
    assert kinds == [
        events.ChallengeIssued,
        events.Paired,
        events.Connected,
        events.Disconnected,
        events.Connected,
    ]


@live
async def test_a_broken_stream_is_told_and_comes_back(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        gateway_server.drop(ref.session_id)
        await recorder.wait_for(events.Disconnected)
        with pytest.raises(EngineError) as refused:
            await connection.send(OutgoingText("3EB0AA", FRIEND, "Hello"))
        gateway_server.restore(ref.session_id)
        await recorder.wait_for(events.Connected, 2)

    assert refused.value.retryable


@live
async def test_a_stream_that_stays_away_is_opened_again(
    engine, gateway_server, ref, monkeypatch
):
    monkeypatch.setattr(stream, "POLLS_UNTIL_RECONNECT", 2)
    async with paired(engine, gateway_server, ref) as (_, recorder):
        user = gateway_server.user(ref.session_id)
        user.connected = False
        gateway_server.restart()  # and it forgot that the session was connected
        gateway_server.say(ref.session_id, "Disconnected")
        await recorder.wait_for(events.Connected, 2)

    assert gateway_server.calls("/session/connect")[-1]["Immediate"] is True


@live
async def test_a_stream_that_never_comes_up_is_given_up(
    engine, gateway_server, ref, monkeypatch
):
    monkeypatch.setattr(stream, "POLLS_UNTIL_RECONNECT", 2)
    async with paired(engine, gateway_server, ref) as (_, recorder):
        gateway_server.drop(ref.session_id)
        gateway_server.fail("/session/connect", "error", status=500, text="already connected")
        failed = await recorder.wait_for(events.ConnectFailed)

    assert failed == events.ConnectFailed("unreachable")
    assert len(gateway_server.calls("/session/connect")) == 2


@live
async def test_a_device_that_the_phone_removed_is_logged_out(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (_, recorder):
        gateway_server.log_out(ref.session_id)
        await recorder.wait_for(events.LoggedOut)

    assert isinstance(recorder.events[-1], events.LoggedOut)


@live
async def test_a_removed_device_that_shows_a_code_again_is_logged_out(
    engine, gateway_server, ref, no_webhooks
):
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        user = gateway_server.user(ref.session_id)
        user.linked = ""
        user.open()
        await connection.status()
        await recorder.wait_for(events.LoggedOut)


@pytest.mark.parametrize("kind", ["LoggedOut", "ConnectFailure", "TemporaryBan", "QRTimeout"])
def test_an_old_webhook_ends_no_session_that_is_up(engine, gateway_server, ref, kind):
    @live
    async def scene():
        async with paired(engine, gateway_server, ref) as (connection, recorder):
            gateway_server.say(ref.session_id, kind)
            gateway_server.write(ref.session_id, "Still here")
            await recorder.wait_for(events.MessageReceived)
            assert (await connection.status()).connected

    scene()


@live
async def test_a_ban_is_told_with_its_end(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (_, recorder):
        gateway_server.ban(ref.session_id, code=104, seconds=3600)
        ban = await recorder.wait_for(events.TemporarilyBanned)

    assert ban.code == 104
    left = ban.expires_at - datetime.now(UTC)
    assert timedelta(minutes=58) < left <= timedelta(hours=1)


@live
async def test_a_ban_that_ends_beyond_all_calendars_is_told(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (_, recorder):
        gateway_server.ban(ref.session_id, seconds=10**40)
        ban = await recorder.wait_for(events.TemporarilyBanned)

    assert ban.expires_at - datetime.now(UTC) <= timedelta(days=365)


@pytest.mark.parametrize(
    ("kind", "event", "code"),
    [
        ("ConnectFailure", {"Reason": 503, "Message": "socks5://user:secret@proxy"}, "503"),
        ("ConnectFailure", {}, "unreachable"),
        ("ClientOutdated", {}, "405"),
    ],
)
def test_a_refusal_is_told_by_its_code_alone(engine, gateway_server, ref, kind, event, code):
    @live
    async def scene():
        async with paired(engine, gateway_server, ref) as (_, recorder):
            gateway_server.user(ref.session_id).client = None
            gateway_server.say(ref.session_id, kind, event=event)
            failed = await recorder.wait_for(events.ConnectFailed)
            assert failed == events.ConnectFailed(code)

    scene()


@live
async def test_a_silent_stream_is_degraded_until_it_answers(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        gateway_server.say(ref.session_id, "KeepAliveTimeout")
        await recorder.wait_for(events.Degraded)
        await connection.status()
        assert len(recorder.of(events.Connected)) == 1
        gateway_server.say(ref.session_id, "KeepAliveRestored")
        await recorder.wait_for(events.Connected, 2)


@live
async def test_a_silent_stream_that_was_opened_anew_is_connected(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (_, recorder):
        gateway_server.say(ref.session_id, "KeepAliveTimeout")
        await recorder.wait_for(events.Degraded)
        gateway_server.say(ref.session_id, "Connected")
        await recorder.wait_for(events.Connected, 2)


@live
async def test_a_failure_of_ours_ends_the_session_and_is_logged(
    engine, gateway_server, ref, monkeypatch, caplog
):
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        monkeypatch.setattr(connection._stream, "look", Mock(side_effect=RuntimeError("a bug")))
        failed = await recorder.wait_for(events.ConnectFailed)

    assert failed == events.ConnectFailed("engine_error")
    assert "Session's watch failed" in caplog.text


@live
async def test_another_process_goes_on_without_a_gap(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        await connection.leave()
        heard = list(recorder.events)
        gateway_server.write(ref.session_id, "While nobody listened")

        async with connected(engine, ref) as (_, second):
            message = await second.wait_for(events.MessageReceived)
            assert isinstance(second.events[0], events.Connected)

    assert message.text == "While nobody listened"
    assert recorder.events == heard
    assert len(gateway_server.calls("/session/disconnect")) == 1


@live
async def test_a_survey_that_says_otherwise_has_the_gateway_asked(
    engine, gateway_server, ref, no_webhooks
):
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        gateway_server.drop(ref.session_id)
        [listed] = engine.survey(ref.gateway).sessions
        await connection.hear(listed.payload)
        await recorder.wait_for(events.Disconnected)

    assert listed.session_id == ref.session_id
    assert not listed.status.connected


@live
async def test_the_status_is_the_gateways_answer(engine, gateway_server, ref):
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        before = await connection.status()
        jid = gateway_server.scan(ref.session_id, phone="15550200042")
        await recorder.wait_for(events.Connected)
        after = await connection.status()

    assert jid == "15550200042:7@s.whatsapp.net"
    assert before == LiveStatus(connected=False, linked=False)
    assert after == LiveStatus(connected=True, linked=True, jid="15550200042@s.whatsapp.net")
