"""What a client can do over its socket."""

import json
from typing import Any

import pytest
from django.db import OperationalError

from accounts import permissions
from accounts.principal import Principal, PrincipalKind
from accounts.tests.factories import Login, make_api_key, make_login
from orsta.core.observability import metrics
from sessions_app.messaging.models import Message
from sessions_app.models import Command, Session
from sessions_app.realtime import actions, protocol
from sessions_app.realtime.stream import Stream
from sessions_app.realtime.tests.live import Live, db, play
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> Login:
    """A person with a plan, logged in."""
    return make_login(make_customer())


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


def test_a_session_is_started_stopped_and_reconnected(alice: Login) -> None:
    session = make_session(tenant=alice.tenant)
    connected = make_session(tenant=alice.tenant, status=SessionStatus.CONNECTED)

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            target = {"session_id": session.public_id}
            answer = await socket.ask({"action": "session.start", "payload": target, "id": 1})
            assert answer == {
                "action": "session.start",
                "data": {**target, "desired": "RUNNING", "status": "STARTING"},
                "id": 1,
            }
            answer = await socket.ask({"action": "session.stop", "payload": target})
            assert answer["data"]["desired"] == "STOPPED"
            target = {"session_id": connected.public_id}
            answer = await socket.ask({"action": "session.reconnect", "payload": target})
            assert answer["data"] == {**target, "desired": "RUNNING", "status": "CONNECTED"}

    play(scenario)
    assert Command.objects.filter(session=connected).count() == 1


def test_a_message_is_accepted(alice: Login) -> None:
    session = make_session(tenant=alice.tenant, status=SessionStatus.CONNECTED)
    payload = {"session_id": session.public_id, "to": "+1 555 010 0123", "text": " Hi\n"}

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            frame = {"action": "message.send", "payload": payload, "id": 1}
            answer = await socket.ask(frame)
            message = await db(Message.objects.get)
            assert message.text == " Hi\n"
            assert answer == {
                "action": "message.send",
                "data": {
                    "message_id": message.public_id,
                    "session_id": session.public_id,
                    "to": "15550100123@s.whatsapp.net",
                    "status": "QUEUED",
                },
                "id": 1,
            }

    play(scenario)


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        "ses_1",
        {},
        {"session_id": 5.5},
        {"session_id": "\x00"},
        {"session_id": "\ud800"},
        {"session_id": ["a"]},
        {"session_id": "x" * 41},
    ],
)
@pytest.mark.parametrize("action", ["session.start", "message.send"])
def test_a_payload_that_does_not_fit_is_refused(
    alice: Login, action: str, payload: Any
) -> None:
    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            answer = await socket.ask({"action": action, "payload": payload, "id": 3})
            assert (answer["action"], answer["id"]) == ("error", 3)
            assert answer["code"] in {"invalid_input", "session_not_found"}
            assert (await socket.ask({"action": "ping"}))["action"] == "pong"

    play(scenario)


@pytest.mark.parametrize(
    "fields", [{"text": ""}, {"text": "\x00"}, {"to": "nobody"}, {"text": "x" * 65_537}]
)
def test_a_message_that_cannot_be_sent_is_refused(alice: Login, fields: dict[str, str]) -> None:
    session = make_session(tenant=alice.tenant, status=SessionStatus.CONNECTED)
    payload = {"session_id": session.public_id, "to": "+1 555 010 0123", "text": "Hi", **fields}

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            answer = await socket.ask({"action": "message.send", "payload": payload})
            assert (answer["action"], answer["status"]) == ("error", 400)

    play(scenario)
    assert Message.objects.count() == Command.objects.count() == 0


@pytest.mark.parametrize(
    "action", ["session.start", "session.stop", "session.reconnect", "message.send"]
)
def test_a_strangers_session_looks_like_none(alice: Login, action: str) -> None:
    session = make_session(tenant=make_customer(), status=SessionStatus.CONNECTED)
    before = Session.objects.filter(pk=session.pk).values().get()

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            answers = []
            for public_id in (session.public_id, "ses_01kb1z2q7mw4g0v9s2x8c5r6tn"):
                payload = {"session_id": public_id, "to": "+1 555 010 0123", "text": "Hi"}
                answer = await socket.ask({"action": action, "payload": payload})
                assert (answer["code"], answer["status"]) == ("session_not_found", 404)
                answers.append({**answer, "trace_id": ""})
            assert answers[0] == answers[1]

    play(scenario)
    assert Session.objects.filter(pk=session.pk).values().get() == before
    assert Message.objects.count() == Command.objects.count() == 0


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


@pytest.mark.parametrize(
    ("action", "scope"),
    [
        ("session.start", "sessions:write"),
        ("session.stop", "sessions:write"),
        ("session.reconnect", "sessions:write"),
        ("message.send", "messages:write"),
    ],
)
def test_an_action_needs_its_scope(alice: Login, action: str, scope: str) -> None:
    session = make_session(tenant=alice.tenant, status=SessionStatus.CONNECTED)
    everything_else = frozenset({"sessions:read", "sessions:write", "messages:write"}) - {scope}
    principal = Principal(
        PrincipalKind.API_KEY, "key_1", alice.tenant, alice.user, everything_else
    )
    frame = protocol.Frame(action, {"session_id": session.public_id})

    with pytest.raises(permissions.ScopeMissing, match=scope):
        actions.run(actions.Caller(principal, Stream(alice.tenant.pk)), frame)


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
