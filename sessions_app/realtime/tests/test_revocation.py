"""A credential that stops working loses its sockets, and only these."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import selectors
from accounts.models import ApiKey, LoginSession, Membership, User
from accounts.principal import Principal, PrincipalKind
from accounts.principal_cache import TTL
from accounts.services import keys, login
from accounts.tests.factories import Login, make_api_key, make_login
from sessions_app.realtime import transport
from sessions_app.realtime.consumers import SessionConsumer
from sessions_app.realtime.tests.live import Communicator, Live, db, play, relay_events

pytestmark = pytest.mark.django_db(transaction=True)


async def answers(*sockets: Live) -> None:
    """Check that these sockets are open."""
    for socket in sockets:
        await socket.send({"action": "ping", "id": "open?"})
        while (frame := await socket.read()).get("id") != "open?":
            assert frame["action"] != "error"


def test_logging_out_closes_the_sockets_of_that_login(alice: Login) -> None:
    other = make_login(alice.tenant)
    key = make_api_key(alice.tenant).text

    async def scenario() -> None:
        async with (
            Live(token=alice.token) as one,
            Live(token=alice.token) as two,
            Live(token=other.token) as elsewhere,
            Live(key=key) as program,
        ):
            await db(login.log_out, token=alice.token, now=timezone.now())
            await relay_events()
            assert await one.closed() == 4401
            assert await two.closed() == 4401
            await answers(elsewhere, program)

    play(scenario)


@pytest.mark.parametrize("change", ["deactivate", "rotate", "revoke"])
def test_turning_a_key_off_closes_its_sockets(alice: Login, change: str) -> None:
    key = make_api_key(alice.tenant).text

    def turn_off() -> None:
        if change == "deactivate":
            keys.deactivate(tenant=alice.tenant, now=timezone.now())
        elif change == "revoke":
            keys.revoke(key=ApiKey.objects.get(tenant=alice.tenant), now=timezone.now())
        else:
            row = ApiKey.objects.get(tenant=alice.tenant)
            keys.rotate(key=row, user=alice.user, now=timezone.now())

    async def scenario() -> None:
        async with Live(key=key) as program, Live(token=alice.token) as person:
            await db(turn_off)
            await relay_events()
            assert await program.closed() == 4401
            await answers(person)

    play(scenario)


def test_a_rotated_key_keeps_its_sockets_during_the_overlap(alice: Login) -> None:
    issued = make_api_key(alice.tenant)

    def rotate() -> None:
        keys.rotate(
            key=issued.row, user=alice.user, now=timezone.now(), overlap=timedelta(days=1)
        )

    async def scenario() -> None:
        async with Live(key=issued.text) as program:
            await db(rotate)
            await relay_events()
            await answers(program)

    play(scenario)


def test_an_action_after_the_revocation_closes_at_once(
    alice: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LOOK_SECONDS", 1_000)

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            await db(login.log_out, token=alice.token, now=timezone.now())
            await socket.send({"action": "session.start", "payload": {"session_id": "x"}})
            assert await socket.closed() == 4401

    play(scenario)


def _expire(alice: Login) -> None:
    now = timezone.now()
    LoginSession.objects.update(expires_at=now - timedelta(seconds=1))
    selectors.forget(alice.row.public_id)


def _deactivate(alice: Login) -> None:
    User.objects.update(is_active=False)
    selectors.forget(alice.row.public_id)


def _leave(alice: Login) -> None:
    Membership.objects.all().delete()
    selectors.forget(alice.row.public_id)


@pytest.mark.parametrize("end", [_expire, _deactivate, _leave])
def test_an_idle_socket_is_looked_at(
    alice: Login, end: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event tells of these; time does. What other processes remember, they forget in 3 s."""
    monkeypatch.setattr(transport, "LOOK_SECONDS", 0.05)

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            await answers(socket)
            await db(end, alice)
            assert await socket.closed() == 4401

    play(scenario)


def test_the_look_and_what_is_remembered_fit_into_five_seconds() -> None:
    assert transport.LOOK_SECONDS + TTL.total_seconds() < 5


def test_a_key_that_may_not_read_gets_no_events(
    alice: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = Principal(
        PrincipalKind.API_KEY, "key_1", alice.tenant, alice.user, frozenset({"sessions:read"})
    )

    async def scenario() -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await SessionConsumer()({**scope, "principal": narrow}, receive, send)

        socket = Communicator(app, "/ws")
        assert (await socket.connect())[0]
        message = await socket.receive_output(5)
        assert (message["type"], message["code"]) == ("websocket.close", 4403)
        await socket.wait()

    play(scenario)
