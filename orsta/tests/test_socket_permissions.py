"""The permission table of `/ws`: who gets in, and what each action does with foreign ids."""

import json

import pytest
from channels.testing import WebsocketCommunicator

from orsta.routing import websockets
from orsta.tests.permission_row import BAD
from orsta.tests.world import UNKNOWN, World, make_world
from sessions_app.realtime import actions
from sessions_app.realtime.tests.live import Live, db, play, relay_events

pytestmark = pytest.mark.django_db(transaction=True)

# Every action: what it takes besides a session's id, or None when it names no session.
TABLE = {
    "ping": None,
    "whoami": None,
    "resume": None,
    "session.start": {},
    "session.stop": {},
    "session.reconnect": {},
    "session.pairing_code": {"phone": "+15550100123"},
    "session.logout": {},
    "message.send": {"to": "+15550100123", "text": "hi"},
}
LINKS = "session.pairing_code"  # the session of the world is linked
WITH_ID = [name for name, extra in TABLE.items() if extra is not None]


def socket_of(world: World, caller: str) -> Live:
    """Return a socket of the caller, who was introduced before."""
    return Live(**world.headers[caller])


def frame(action: str, session_id: str) -> dict:
    return {"action": action, "payload": {"session_id": session_id, **TABLE[action]}, "id": 7}


def test_every_action_is_in_the_table():
    assert set(TABLE) == set(actions.NAMES)


@pytest.mark.parametrize("caller", ["owner", "developer", "key", "stranger", "stranger's key"])
def test_good_credentials_open_a_socket_of_their_own_tenant(caller):
    world = make_world()
    world.introduce(caller)

    async def scenario():
        async with socket_of(world, caller) as socket:
            own = socket.connected["data"]["tenant_id"] == world.acme.public_id
            assert own == ("stranger" not in caller)

    play(scenario)


@pytest.mark.parametrize("caller", [*BAD, "service"])
def test_credentials_that_open_nothing_open_no_socket(caller):
    world = make_world()
    world.introduce(caller)
    headers = [(name.encode(), v.encode()) for name, v in world.headers.get(caller, {}).items()]

    async def scenario():
        socket = WebsocketCommunicator(websockets, "/ws", headers)
        socket.scope["extensions"] = {"websocket.http.response": {}}
        await socket.send_input({"type": "websocket.connect"})
        start = await socket.receive_output()
        body = await socket.receive_output()
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
        assert json.loads(body["body"])["error"] in {
            "Invalid or inactive API key",
            "Missing or invalid session token",
        }

    play(scenario)


@pytest.mark.parametrize("action", WITH_ID)
@pytest.mark.parametrize("caller", ["stranger", "stranger's key"])
def test_another_tenants_session_is_as_unknown_as_any(action, caller):
    world = make_world()
    world.introduce(caller)
    before = world.snapshot()

    async def scenario():
        async with socket_of(world, caller) as socket:
            foreign = await socket.ask(frame(action, world.session.public_id))
            unknown = await socket.ask(frame(action, UNKNOWN))
            assert foreign.pop("trace_id") != unknown.pop("trace_id")
            assert foreign == unknown
            assert (foreign["action"], foreign["code"]) == ("error", "session_not_found")
            assert await db(world.snapshot) == before
            assert (await socket.ask({"action": "ping"}))["action"] == "pong"

    play(scenario)


@pytest.mark.parametrize("action", WITH_ID)
@pytest.mark.parametrize("caller", ["owner", "developer", "key"])
def test_a_tenants_people_and_programs_may(action, caller):
    world = make_world()
    world.introduce(caller)

    async def scenario():
        async with socket_of(world, caller) as socket:
            answer = await socket.ask(frame(action, world.session.public_id))
            if action == LINKS:
                assert answer["code"] == "already_linked"
                return
            assert answer["action"] == action
            assert answer["data"]["session_id"] == world.session.public_id

    play(scenario)


def test_a_stranger_resumes_nothing_of_another_tenant():
    world = make_world()
    world.introduce("owner", "stranger")

    async def scenario():
        async with socket_of(world, "owner") as owner, socket_of(world, "stranger") as stranger:
            await owner.ask(frame("session.stop", world.session.public_id))
            await relay_events()
            await stranger.send({"action": "resume", "payload": {"after": 0}})
            answer = await stranger.read()
            while answer["action"] != "resumed":
                assert world.session.public_id not in json.dumps(answer)
                answer = await stranger.read()

    play(scenario)
