"""What a client can do over its socket."""

from typing import Any

import pytest

from accounts import permissions
from accounts.principal import Principal, PrincipalKind
from accounts.tests.factories import Login
from sessions_app.messaging.models import Message
from sessions_app.models import Command, Session
from sessions_app.realtime import actions, protocol
from sessions_app.realtime.stream import Stream
from sessions_app.realtime.tests.live import Live, db, play
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db(transaction=True)


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
    ("action", "scope"),
    [
        ("session.start", "sessions:write"),
        ("session.stop", "sessions:write"),
        ("session.reconnect", "sessions:write"),
        ("session.logout", "sessions:write"),
        ("session.pairing_code", "sessions:write"),
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
        actions.run(actions.Caller(principal, Stream(principal)), frame)
