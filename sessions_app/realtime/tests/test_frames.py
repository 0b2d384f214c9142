"""Frames: who the socket belongs to, what is no frame, and what keeps it open."""

import json
from typing import Any

import pytest
from django.db import OperationalError

from accounts.tests.factories import Login, make_api_key
from orsta.core.observability import metrics
from sessions_app.realtime import actions, protocol
from sessions_app.realtime.tests.live import Live, play

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_socket_says_who_it_belongs_to(alice: Login) -> None:
    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            assert socket.connected == {
                "action": "connected",
                "data": {
                    "user_id": alice.user.public_id,
                    "username": alice.user.username,
                    "tenant_id": alice.tenant.public_id,
                    "seq": 0,
                },
            }

    play(scenario)


def test_every_credential_opens_it(alice: Login) -> None:
    key = make_api_key(alice.tenant).text
    cookie = {
        "cookie": f"orsta_session={alice.token}",
        "origin": "http://testserver",
        "host": "testserver",
    }

    async def scenario() -> None:
        for credentials in ({"token": alice.token}, {"key": key}, cookie):
            async with Live(**credentials) as socket:
                answer = await socket.ask({"action": "whoami"})
                assert answer["data"]["tenant_id"] == alice.tenant.public_id
                assert answer["data"]["username"] == alice.user.username

    play(scenario)


def test_an_inactive_key_does_not(alice: Login) -> None:
    key = make_api_key(alice.tenant, active=False).text

    async def scenario() -> None:
        for headers in ({"key": key}, {"key": ""}, {"token": "nonsense"}, {}):
            socket = Live(**headers).communicator
            accepted, _ = await socket.connect()
            assert not accepted

    play(scenario)


def test_ping_and_whoami(alice: Login) -> None:
    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            assert await socket.ask({"action": "ping"}) == {"action": "pong"}
            answer = await socket.ask({"action": "ping", "payload": {"note": "hello"}, "id": 7})
            assert answer == {"action": "pong", "id": 7}
            assert await socket.ask({"action": "whoami", "id": "a"}) == {
                "action": "whoami",
                "data": {
                    "user_id": alice.user.public_id,
                    "username": alice.user.username,
                    "tenant_id": alice.tenant.public_id,
                },
                "id": "a",
            }

    play(scenario)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{bad",
        "null",
        "[]",
        "1",
        '"ping"',
        "{}",
        '{"action": 1}',
        '{"action": null}',
        '{"action": ["ping"]}',
        "[" * 100_000,
        '{"action":' * 20_000,
        '{"action": "ping", "x": ' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_frame_keeps_the_socket_open(alice: Login, text: str) -> None:
    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            answer = await socket.ask(text)
            assert answer["action"] == "error"
            assert answer["error"] == "Invalid JSON message"
            assert (answer["code"], answer["status"]) == ("invalid_frame", 400)
            assert (await socket.ask({"action": "ping"}))["action"] == "pong"

    play(scenario)


def test_an_unknown_action_keeps_the_socket_open(alice: Login) -> None:
    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            answer = await socket.ask({"action": "nope", "id": "x"})
            assert answer["error"] == "Unknown action: nope"
            assert (answer["code"], answer["id"]) == ("unknown_action", "x")
            assert (await socket.ask({"action": "ping"}))["action"] == "pong"

    play(scenario)


@pytest.mark.parametrize("unusable", ["x" * 129, 10**30, 1.5, True, None, [1], {"a": 1}])
def test_an_id_that_is_no_label_is_not_echoed(alice: Login, unusable: Any) -> None:
    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            answer = await socket.ask({"action": "ping", "id": unusable})
            assert answer == {"action": "pong"}

    play(scenario)


def test_a_binary_frame_is_ignored(alice: Login) -> None:
    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            await socket.communicator.send_to(bytes_data=b'{"action": "ping"}')
            assert (await socket.ask({"action": "whoami"}))["action"] == "whoami"

    play(scenario)


@pytest.mark.parametrize(
    ("failure", "told"),
    [(RuntimeError, ("server_error", 500)), (OperationalError, ("unavailable", 503))],
)
def test_a_failure_of_ours_keeps_the_socket_open(
    alice: Login, monkeypatch: pytest.MonkeyPatch, failure: type[Exception], told: Any
) -> None:
    def broken(*_: Any) -> Any:
        raise failure("password=secret")

    monkeypatch.setattr(actions, "run", broken)

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            answer = await socket.ask({"action": "ping", "id": 1})
            assert (answer["code"], answer["status"]) == told
            assert answer["id"] == 1
            assert "secret" not in json.dumps(answer)
            assert len(answer["trace_id"]) == 32
            monkeypatch.undo()
            assert (await socket.ask({"action": "ping"}))["action"] == "pong"

    play(scenario)


def test_open_sockets_are_counted(alice: Login) -> None:
    def count() -> float:
        (metric,) = metrics.SOCKETS.collect()
        return metric.samples[0].value

    before = count()

    async def scenario() -> None:
        async with Live(token=alice.token), Live(token=alice.token):
            assert count() == before + 2

    play(scenario)
    assert count() == before


def test_each_group_is_named_once() -> None:
    assert protocol.tenant_group(7) == "tenant.7"
    assert protocol.credential_group("key_1") == "credential.key_1"
