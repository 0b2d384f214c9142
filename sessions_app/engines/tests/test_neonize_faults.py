"""What goes wrong on WhatsApp's side reaches the runner as what it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.tests import neonize_lane
from sessions_app.engines.tests.live import connected, live
from sessions_app.engines.tests.neonize_lane import FRIENDS_NUMBER, HASTY, OWN_NUMBER

pytestmark = [pytest.mark.neonize, pytest.mark.xdist_group("neonize")]

FRIEND = f"{FRIENDS_NUMBER}@s.whatsapp.net"


@pytest.fixture
def phone(whatsapp):
    return whatsapp.phone(OWN_NUMBER)


@live
async def test_a_removed_device_is_logged_out_and_needs_a_new_pairing(
    neonize_engine, whatsapp, phone
):
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref) as (_, recorder):
        phone.remove_device()
        await recorder.wait_for(events.LoggedOut)
    async with connected(neonize_engine, ref) as (_, again):
        await again.wait_for(events.ChallengeIssued)

    assert again.of(events.Connected) == []


@live
async def test_a_replaced_device_does_not_fight(neonize_engine, whatsapp, phone):
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref) as (_, recorder):
        phone.replace()
        await recorder.wait_for(events.Replaced)

    assert isinstance(recorder.events[-1], events.Replaced)


@live
async def test_a_ban_has_its_code_and_its_end(neonize_engine, whatsapp, phone):
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref) as (_, recorder):
        phone.ban(code=102, seconds=3600)
        ban = await recorder.wait_for(events.TemporarilyBanned)

    assert ban.code == 102
    assert 3500 < (ban.expires_at - datetime.now(UTC)).total_seconds() <= 3600


@live
async def test_a_broken_stream_comes_back(neonize_engine, whatsapp, phone):
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref) as (connection, recorder):
        phone.drop()
        await recorder.wait_for(events.Disconnected)
        await recorder.wait_for(events.Connected, count=2)
        status = await connection.status()

    assert (status.connected, status.linked) == (True, True)
    assert recorder.of(events.ConnectFailed) == []


@live
@pytest.mark.parametrize("code", [403, 405, 406])
async def test_a_refused_login_has_whatsapps_code(neonize_engine, whatsapp, phone, code):
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref):
        pass
    phone.fail(code, times=9)
    async with connected(neonize_engine, ref) as (_, recorder):
        refused = await recorder.wait_for(events.ConnectFailed)

    assert refused.code == str(code)


@live
async def test_a_server_that_is_busy_is_asked_again(neonize_engine, whatsapp, phone):
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref):
        pass
    phone.fail(503)
    async with connected(neonize_engine, ref) as (_, recorder):
        await recorder.wait_for(events.Connected)

    assert recorder.of(events.ConnectFailed) == []


@live
async def test_an_account_that_may_not_write_to_strangers_says_so(
    neonize_engine, whatsapp, phone
):
    ref = neonize_lane.new_ref()
    whatsapp.phone(FRIENDS_NUMBER)
    async with neonize_lane.paired(whatsapp, neonize_engine, ref) as (connection, _):
        phone.refuse_sends()
        with pytest.raises(EngineError) as refused:
            await connection.send(OutgoingText("msg_1", FRIEND, "Hello"))

    assert refused.value.code == "463"
    assert not refused.value.outcome_unknown
    assert not refused.value.retryable


@live
async def test_an_account_with_a_passkey_is_told_apart(neonize_engine, whatsapp, phone):
    phone.require_passkey()
    async with connected(neonize_engine, neonize_lane.new_ref()) as (_, recorder):
        challenge = await recorder.wait_for(events.ChallengeIssued)
        await neonize_lane.scan(whatsapp, OWN_NUMBER, challenge.text)
        passkey = await recorder.wait_for(events.PasskeyRequested)

    assert passkey.options == {}


@live
async def test_a_stream_that_does_not_come_up_gets_a_new_host(whatsapp, phone, tmp_path):
    neonize_lane.forget_devices()
    hasty = replace(HASTY, reconnect=1.0)
    engine = neonize_lane.make_engine(whatsapp, tmp_path, patience=hasty)
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, engine, ref) as (_, recorder):
        phone.stop_answering()
        phone.drop()
        await recorder.wait_for(events.Disconnected, count=2)
        phone.answer_again()
        await recorder.wait_for(events.Connected, count=2)

    assert "starts anew" in recorder.of(events.Disconnected)[1].reason


@live
async def test_a_session_never_goes_without_its_proxy(neonize_engine, whatsapp):
    ref = neonize_lane.new_ref(proxy="socks5://user:s3cret@127.0.0.1:1")
    async with connected(neonize_engine, ref) as (_, recorder):
        failed = await recorder.wait_for(events.ConnectFailed)

    assert failed.code == "proxy_down"
    assert "s3cret" not in failed.detail
    assert recorder.of(events.ChallengeIssued) == []


@live
async def test_a_proxy_of_an_unknown_kind_is_refused(neonize_engine):
    ref = neonize_lane.new_ref(proxy="gopher://user:s3cret@127.0.0.1:1")

    with pytest.raises(EngineError) as refused:
        async with connected(neonize_engine, ref):
            pass

    assert "s3cret" not in str(refused.value)
