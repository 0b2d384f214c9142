"""Linking and unlinking a device over a socket."""

import pytest

from accounts.tests.factories import Login
from sessions_app.models import Command
from sessions_app.realtime.tests.live import Live, play
from sessions_app.states import CommandKind, SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_code_to_type_is_asked_for(alice: Login) -> None:
    session = make_session(tenant=alice.tenant, status=SessionStatus.PAIRING)
    payload = {"session_id": session.public_id, "phone": "+1 555 010 0123"}

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            answer = await socket.ask({"action": "session.pairing_code", "payload": payload})
            assert answer["action"] == "session.pairing_code"
            assert set(answer["data"]) == {"session_id", "command_id"}

    play(scenario)
    command = Command.objects.get(session=session)
    assert (command.kind, command.payload) == (CommandKind.PAIR_CODE, {"phone": "15550100123"})


def test_what_is_no_phone_number_is_refused(alice: Login) -> None:
    session = make_session(tenant=alice.tenant, status=SessionStatus.PAIRING)
    payload = {"session_id": session.public_id, "phone": "alice"}

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            answer = await socket.ask({"action": "session.pairing_code", "payload": payload})
            assert (answer["action"], answer["status"]) == ("error", 400)

    play(scenario)
    assert not Command.objects.exists()


def test_a_device_is_unlinked(alice: Login) -> None:
    session = make_session(tenant=alice.tenant, status=SessionStatus.CONNECTED)
    payload = {"session_id": session.public_id}

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            answer = await socket.ask({"action": "session.logout", "payload": payload})
            assert answer["data"]["status"] == "CONNECTED"  # until the runner did it

    play(scenario)
    assert Command.objects.get(session=session).kind == CommandKind.LOGOUT
