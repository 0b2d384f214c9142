"""The traps of real gateways, which the fake one sets as well: each is stepped around."""

from __future__ import annotations

import logging
from dataclasses import replace

import httpx
import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.tests.contract import FRIEND
from sessions_app.engines.tests.fake_gateway import hooks
from sessions_app.engines.tests.fixtures import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.live import connected, live
from sessions_app.engines.tests.wuzapi_rig import *  # noqa: F403 (fixtures, paired)
from sessions_app.engines.tests.wuzapi_rig import gateway_ref, paired
from sessions_app.engines.webhooks import WebhookRequest
from sessions_app.engines.wuzapi import webhooks


def as_session(ref, method, path, body):
    """Call the gateway behind the engine's back."""
    token = {"token": ref.gateway.session_token}
    answer = httpx.request(method, ref.gateway.address + path, headers=token, json=body)
    answer.raise_for_status()


@live
async def test_p1_a_webhook_set_without_events_is_mended(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, _):
        as_session(ref, "PUT", "/webhook", {"webhook": ref.gateway.webhook_url})
        assert gateway_server.user(ref.session_id).cached_events == ""
        await connection.leave()
    async with connected(engine, ref) as (_, recorder):
        gateway_server.write(ref.session_id, "Hello")
        await recorder.wait_for(events.MessageReceived)

    assert all(
        body.get("events") == ["All"] and body["active"]
        for body in gateway_server.calls("/webhook")
        if "webhook" in body and "active" in body
    )


@live
async def test_p2_the_events_that_a_disconnect_cleared_are_set_again(
    engine, gateway_server, ref
):
    async with paired(engine, gateway_server, ref):
        pass
    assert gateway_server.user(ref.session_id).events == ""

    async with connected(engine, ref):
        user = gateway_server.user(ref.session_id)
        assert user.events == user.cached_events == "All"


@live
async def test_p3_connecting_does_not_wait_for_the_stream(engine, gateway_server, ref):
    gateway_server.connect_wait = 60.0

    async with connected(engine, ref) as (_, recorder):
        await recorder.wait_for(events.ChallengeIssued)

    assert gateway_server.calls("/session/connect") == [
        {"Subscribe": ["All"], "Immediate": True}
    ]


@live
async def test_p3_a_stream_that_is_up_already_is_no_error(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, _):
        await connection.leave()

        async with connected(engine, ref) as (_, recorder):
            await recorder.wait_for(events.Connected)


def test_p4_no_expiry_and_no_history_are_asked_for(engine, gateway_server, ref):
    [created] = [body for body in gateway_server.calls("/admin/users") if body]

    assert created == {
        "name": ref.session_id,
        "token": ref.gateway.session_token,
        "webhook": ref.gateway.webhook_url,
        "events": "All",
    }


@live
async def test_p5_receipts_come_though_their_own_name_brings_none(engine, gateway_server, ref):
    user = gateway_server.user(ref.session_id)
    user.cached_events = "ReadReceipt,QRTimeout"
    assert not hooks.is_subscribed(user, "ReadReceipt", upstream=False)

    async with paired(engine, gateway_server, ref) as (connection, recorder):
        sent = await connection.send(OutgoingText("3EB0AA", FRIEND, "Hello"))
        await recorder.wait_for_receipts(ReceiptKind.READ, [sent.wa_id])


def test_p6_a_purged_sessions_token_opens_nothing(engine, gateway_server, ref):
    engine.purge(ref)

    assert not gateway_server.has(ref.session_id)
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        as_session(ref, "GET", "/session/status", None)


def test_p7_webhooks_are_signed_before_the_gateway_restarts(engine, gateway_server, ref):
    posted = []
    gateway_server.poster.deliver = lambda post: posted.append(post) or 200

    gateway_server.say(ref.session_id, "Connected")
    gateway_server.poster.flush()

    [post] = posted
    request = WebhookRequest(post.body, post.headers["content-type"], post.headers)
    assert engine.verify_webhook(request, ref.gateway)
    assert not engine.verify_webhook(
        request, replace(ref.gateway, hmac_key=gateway_ref(gateway_server).hmac_key)
    )
    assert all("hmacKey" not in body for body in gateway_server.calls("/admin/users"))


@live
async def test_p7_a_session_that_lost_its_key_gets_it_again(engine, gateway_server, ref):
    user = gateway_server.user(ref.session_id)
    user.stored_key = user.cached_key = ""

    async with connected(engine, ref):
        assert user.cached_key == ref.gateway.hmac_key


@live
async def test_p8_no_secret_is_in_a_url_a_log_or_an_error(engine, gateway_server, ref, caplog):
    caplog.set_level(logging.DEBUG)
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        await connection.send(OutgoingText("3EB0AA", FRIEND, "Hello"))
        gateway_server.fail("/chat/send/text", "error", text=ref.gateway.session_token)
        with pytest.raises(EngineError) as refused:
            await connection.send(OutgoingText("3EB0AB", FRIEND, "Hello"))

    code = recorder.of(events.ChallengeIssued)[0].text
    gateway = ref.gateway
    secrets = [gateway.session_token, gateway.hmac_key, gateway.admin_token, code]
    shown = [
        caplog.text,
        repr(refused.value),
        repr(ref),
        repr(vars(connection)),
        *(path for _, path, _, _ in gateway_server.requests),
    ]
    assert not any(secret in text for secret in secrets for text in shown)


@live
async def test_p8_the_code_to_scan_never_reaches_a_row(engine, gateway_server, ref):
    posted = []
    gateway_server.poster.deliver = lambda post: posted.append(post) or 200
    async with connected(engine, ref):
        gateway_server.poster.flush()

    post = next(post for post in posted if b"qrCodeBase64" in post.body)
    call = webhooks.parse(WebhookRequest(post.body, "application/json", post.headers))
    assert call.payload == {"type": "QR", "event": "code"}


def test_p8_a_gateway_that_sends_us_elsewhere_is_not_followed(engine, gateway_server, ref):
    elsewhere = gateway_server.address + "/health"
    gateway_server.fail("/admin/users", "redirect", location=elsewhere)

    with pytest.raises(EngineError, match="elsewhere"):
        engine.survey(ref.gateway)

    assert gateway_server.requests[-1][1] == "/admin/users"
