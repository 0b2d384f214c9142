"""How a device is paired, over which way it connects, and how it is unlinked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.tests.fixtures import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.live import connected, live
from sessions_app.engines.tests.wuzapi_rig import *  # noqa: F403 (fixtures, paired)
from sessions_app.engines.tests.wuzapi_rig import paired


@live
async def test_each_new_code_is_told_once(engine, gateway_server, ref):
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        await connection.status()
        gateway_server.next_code(ref.session_id)
        await recorder.wait_for(events.ChallengeIssued, 2)
        shown = gateway_server.user(ref.session_id).client.code

    first, second = recorder.of(events.ChallengeIssued)
    assert (first.seq, first.valid_for) == (1, timedelta(seconds=60))
    assert (second.seq, second.valid_for) == (2, timedelta(seconds=20))
    assert second.text == shown != first.text


@live
async def test_codes_that_nobody_scans_time_out(engine, gateway_server, ref):
    async with connected(engine, ref) as (_, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        gateway_server.expire_codes(ref.session_id)
        await recorder.wait_for(events.PairingTimedOut)

    assert isinstance(recorder.events[-1], events.PairingTimedOut)


@live
async def test_a_device_that_restarts_after_the_scan_did_not_time_out(
    engine, gateway_server, ref, no_webhooks
):
    async with connected(engine, ref) as (_, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        gateway_server.user(ref.session_id).client.socket = False
        gateway_server.user(ref.session_id).jid = "15550200042:7@s.whatsapp.net"
        await recorder.wait_for(events.Paired)
        gateway_server.user(ref.session_id).client.socket = True
        gateway_server.scan(ref.session_id, phone="15550200042")
        await recorder.wait_for(events.Connected)

    assert recorder.of(events.Paired) == [events.Paired("15550200042@s.whatsapp.net")]


@live
async def test_the_account_looks_absent_so_that_its_phone_notifies(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref):
        pass

    assert gateway_server.calls("/user/presence") == [{"type": "unavailable"}]


@live
async def test_a_device_that_nobody_linked_is_logged_out_at_once(engine, gateway_server, ref):
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        await connection.logout()


@live
async def test_a_device_without_a_stream_can_not_be_logged_out(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        gateway_server.drop(ref.session_id)
        await recorder.wait_for(events.Disconnected)
        with pytest.raises(EngineError) as refused:
            await connection.logout()

    assert refused.value.retryable
    assert gateway_server.user(ref.session_id).linked


@live
async def test_a_code_to_type_replaces_the_codes_to_scan(engine, gateway_server, ref):
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        pairing = await connection.pair_with_code("15550200042")
        gateway_server.next_code(ref.session_id)
        await connection.status()
        gateway_server.scan(ref.session_id)
        await recorder.wait_for(events.Connected)

    assert pairing.code == "ABCD-EFGH"
    assert len(recorder.of(events.ChallengeIssued)) == 1
    assert gateway_server.calls("/session/pairphone") == [{"Phone": "15550200042"}]


@live
async def test_the_proxy_is_set_before_the_stream_opens(engine, gateway_server, ref):
    proxy = "socks5://user:secret@192.0.2.1:1080"

    async with connected(engine, replace(ref, proxy=proxy)):
        pass

    paths = [path for _, path, _, _ in gateway_server.requests]
    assert paths.index("/session/proxy") < paths.index("/session/connect")
    assert gateway_server.user(ref.session_id).proxy == proxy


@live
async def test_a_stream_that_takes_another_way_is_opened_anew(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, _):
        await connection.leave()
    proxied = replace(ref, proxy="http://192.0.2.1:3128")

    async with connected(engine, proxied) as (connection, recorder):
        await recorder.wait_for(events.Connected)
        assert gateway_server.user(ref.session_id).proxy == proxied.proxy
        await connection.leave()
    async with connected(engine, ref) as (_, recorder):
        await recorder.wait_for(events.Connected)
        assert gateway_server.user(ref.session_id).proxy == ""


@live
async def test_a_stream_that_keeps_the_wrong_way_is_an_error(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, _):
        await connection.leave()
    gateway_server.fail("/session/disconnect", "error", status=500, text="not connected")

    with pytest.raises(EngineError) as refused:
        async with connected(engine, replace(ref, proxy="http://192.0.2.1:3128")):
            pass

    assert refused.value.retryable


@live
async def test_a_proxy_that_is_refused_opens_no_stream(engine, gateway_server, ref):
    gateway_server.fail("/session/proxy", "error", status=500, text="invalid proxy URL")

    with pytest.raises(EngineError):
        async with connected(engine, replace(ref, proxy="http://192.0.2.1:3128")):
            pass

    assert gateway_server.user(ref.session_id).client is None
