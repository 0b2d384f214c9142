"""How a socket is refused, and how often before it is a matter of the address."""

import pytest
from asgiref.sync import async_to_sync

from accounts.tests.factories import make_login
from accounts.tests.sockets import bearer, connect, consumer
from accounts.websocket import PrincipalMiddleware

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_server_that_cannot_answer_over_http_closes_before_accepting():
    assert connect(denial=False) == (4401, None)


def test_the_refusal_is_a_problem_document():
    status, body = connect(("x-api-key", "wrong"))

    assert status == 401
    assert body["status"] == 401
    assert body["code"] == "invalid_api_key"
    assert len(body["trace_id"]) == 32
    assert {"type", "title", "detail", "error", "code", "trace_id"} <= set(body)


def test_refused_upgrades_count_against_their_address(settings):
    settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | {"refused_address": "2/60"}
    alice = make_login()
    bad = bearer("ort_x")

    assert [connect(bad)[0] for _ in range(3)] == [401, 401, 429]
    status, body = connect()
    assert (status, body["code"]) == (429, "rate_limited")
    assert connect(bad, address="192.0.2.1")[0] == 401
    assert connect(bearer(alice.token))[0] == 101


def test_refusals_count_together_with_those_over_http(client, settings):
    settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | {"refused_address": "1/60"}

    assert client.get("/v1/sessions", headers={"x-api-key": "ork_x"}).status_code == 401
    assert connect(("x-api-key", "ork_x"))[0] == 429


def test_a_refusal_says_when_to_come_back(settings):
    settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | {"refused_address": "1/60"}
    connect(bearer("ort_x"))
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    scope = {"headers": [], "extensions": {"websocket.http.response": {}}}
    scope["client"] = ["127.0.0.1", 50_000]
    async_to_sync(PrincipalMiddleware(consumer))(scope, receive, send)

    assert sent[0]["status"] == 429
    assert dict(sent[0]["headers"])[b"retry-after"] == b"60"
