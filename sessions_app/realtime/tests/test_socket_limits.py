"""What a socket sends counts where the same over HTTP counts, and says where it came from."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.services import audit
from accounts.tests.factories import make_api_key
from orsta.core import limits
from sessions_app.messaging.models import Message
from sessions_app.realtime import actions
from sessions_app.realtime.tests.live import Live, play
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key() -> Any:
    """A program's key."""
    return make_api_key(make_customer())


def sending(key: Any) -> dict[str, Any]:
    session = make_session(tenant=key.row.tenant, status=SessionStatus.CONNECTED)
    payload = {"session_id": session.public_id, "to": "+15550100123", "text": "hi"}
    return {"action": "message.send", "payload": payload, "id": 1}


def test_one_message_too_many_is_an_error_frame_and_the_socket_stays(key, settings):
    settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | {"standard_send": "2/60"}
    frame = sending(key)

    async def scenario() -> None:
        async with Live(key=key.text) as socket:
            for _ in range(2):
                await socket.send(frame)
            answers = [await answer_to(socket, frame) for _ in range(2)]
            assert [answer["action"] for answer in answers] == ["message.send"] * 2

            await socket.send(frame)
            refused = await answer_to(socket, frame)
            assert (refused["action"], refused["code"]) == ("error", "rate_limited")
            assert refused["status"] == 429
            assert 0 < refused["details"]["retry_after"] <= 60
            await socket.send({"action": "ping", "id": 1})
            assert (await answer_to(socket, frame))["action"] == "pong"

    play(scenario)
    assert Message.objects.count() == 2


def test_sockets_and_http_share_what_there_is(key, client, settings):
    settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | {"standard_send": "1/60"}
    frame = sending(key)

    async def scenario() -> None:
        async with Live(key=key.text) as socket:
            await socket.send(frame)
            assert (await answer_to(socket, frame))["action"] == "message.send"

    play(scenario)
    session_id = frame["payload"]["session_id"]
    answer = client.post(
        f"/v1/sessions/{session_id}/messages",
        {"to": "+15550100123", "text": "hi"},
        content_type="application/json",
        headers={"x-api-key": key.text},
    )
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert Message.objects.count() == 1


def test_without_redis_messages_go_on_uncounted(key, settings, monkeypatch):
    settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | {"standard_send": "1/60"}
    frame = sending(key)

    def away(_: Any) -> None:
        raise limits.LimiterAway("The service is busy; try again.")

    monkeypatch.setattr(limits, "hit_all", away)

    async def scenario() -> None:
        async with Live(key=key.text) as socket:
            for _ in range(2):
                await socket.send(frame)
                assert (await answer_to(socket, frame))["action"] == "message.send"

    play(scenario)


def test_what_an_action_writes_down_names_the_client(key, monkeypatch):
    def write(caller: actions.Caller, payload: Any) -> actions.Reply:
        audit.record(action="tested", actor=caller.principal.actor, now=timezone.now())
        return actions.Reply("pong")

    monkeypatch.setitem(actions._ACTIONS, "ping", actions._Action(write))

    async def scenario() -> None:
        socket = Live(key=key.text, **{"user-agent": "curl/8"})
        socket.communicator.scope["client"] = ["192.0.2.7", 50_000]
        async with socket:
            await socket.ask({"action": "ping"})

    play(scenario)
    entry = AuditEntry.objects.get(action="tested")
    assert (entry.ip, entry.user_agent) == ("192.0.2.7", "curl/8")


def test_what_is_done_to_sessions_counts_as_over_http(key, settings):
    settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | {"standard_write": "2/60"}
    session = make_session(tenant=key.row.tenant, status=SessionStatus.PAIRING)
    payload = {"session_id": session.public_id, "phone": "+15550100123"}
    frame = {"action": "session.pairing_code", "payload": payload, "id": 1}

    async def scenario() -> None:
        async with Live(key=key.text) as socket:
            codes = []
            for _ in range(3):
                await socket.send(frame)
                codes.append((await answer_to(socket, frame)).get("code"))
            assert codes == [None, None, "rate_limited"]

    play(scenario)


async def answer_to(socket: Live, frame: dict[str, Any]) -> dict[str, Any]:
    """Return the next frame that answers; events may come in between."""
    while (answer := await socket.read()).get("id") != frame["id"]:
        pass
    return answer
