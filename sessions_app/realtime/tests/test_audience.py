"""A socket hears what its credential could read, and loses its place in no event."""

from typing import Any

import pytest
from django.db import transaction

from accounts.principal import Principal, PrincipalKind
from accounts.roles import GRANTS, KEY_SCOPES, Role
from accounts.tests.factories import make_api_key
from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.services import NewEvent, emit_many
from sessions_app.models import Session
from sessions_app.realtime.audience import hears
from sessions_app.realtime.tests.live import Live, db, play, relay_events
from sessions_app.services import lifecycle
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session


def caller(scopes: Any, session_ids: Any = None) -> Principal:
    """A principal with these scopes, limited to these sessions."""
    return Principal(
        PrincipalKind.API_KEY,
        "key_1",
        None,  # type: ignore[arg-type]
        None,
        frozenset(scopes),
        session_ids=session_ids,
    )


def told(principal: Principal, name: str, session_id: str = "") -> bool:
    """Say whether the caller hears an event of that name."""
    return hears(principal, (1, name, session_id, "{}"))


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("session.status.connected", "sessions:read"),
        ("message.received", "messages:read"),
        ("contacts.synced", "contacts:read"),
        ("contact.presence_changed", "contacts:read"),
        ("subscription.expired", "tenant:read"),
        ("quota.warning", "tenant:read"),
        ("member.added", "members:read"),
        ("api_key.rotated", "keys:read"),
        ("payment.succeeded", "billing:read"),
    ],
)
def test_an_event_is_for_those_who_could_read_of_it(name: str, scope: str) -> None:
    assert told(caller({scope}), name)
    assert not told(caller(GRANTS[Role.OWNER] - {scope}), name)


@pytest.mark.parametrize("name", ["mail.queued", "login_session.revoked", "unheard.of"])
def test_what_nobody_can_read_nobody_hears(name: str) -> None:
    assert not told(caller(GRANTS[Role.OWNER]), name)


@pytest.mark.parametrize("name", ["session.held", "message.received", "contacts.synced"])
def test_a_key_limited_to_sessions_hears_of_these_only(name: str) -> None:
    limited = caller(KEY_SCOPES, frozenset({"ses_1"}))

    assert told(limited, name, "ses_1")
    assert not told(limited, name, "ses_2")
    assert not told(limited, name)


def _limited_key(mine: Session) -> str:
    issued = make_api_key(mine.tenant)
    issued.row.session_ids = [mine.public_id]
    issued.row.save(update_fields=["session_ids"])
    OutboxEvent.objects.all().delete()
    return issued.text


def _report(*sessions: Session) -> None:
    with transaction.atomic():
        emit_many(
            NewEvent(
                "message.received",
                session.tenant_id,
                lifecycle.shard_of(session),
                {"session_id": session.public_id},
            )
            for session in sessions
        )


@pytest.mark.django_db(transaction=True)
def test_anna7_a_limited_key_hears_its_sessions_and_misses_nothing_of_them() -> None:
    """Live and after a gap: what it may not hear moves its place on all the same."""
    tenant = make_customer()
    mine = make_session(tenant=tenant, status=SessionStatus.CONNECTED)
    other = make_session(tenant=tenant, status=SessionStatus.CONNECTED)
    key = _limited_key(mine)

    async def scenario() -> None:
        async with Live(key=key) as socket:
            start = socket.connected["data"]["seq"]
            await db(_report, other, mine, other, mine)
            await relay_events()
            heard = [await socket.read(), await socket.read()]
            assert [frame["data"]["session_id"] for frame in heard] == [mine.public_id] * 2
            assert [frame["seq"] - start for frame in heard] == [2, 4]
            assert await socket.is_silent()
        async with Live(key=key) as again:
            await again.send({"action": "resume", "payload": {"after": start}})
            frames = [await again.read() for _ in range(3)]
            assert [frame["action"] for frame in frames[:2]] == ["message.received"] * 2
            assert frames[2]["data"] == {"seq": start + 4, "complete": True, "lost": 0}

    play(scenario)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action", ["session.start", "session.stop", "session.reconnect"])
def test_a_limited_key_can_not_touch_another_session(action: str) -> None:
    tenant = make_customer()
    mine, other = make_session(tenant=tenant), make_session(tenant=tenant)
    key = _limited_key(mine)

    async def scenario() -> None:
        async with Live(key=key) as socket:
            frame = {"action": action, "payload": {"session_id": other.public_id}}
            answer = await socket.ask(frame)
            assert (answer["action"], answer["code"]) == ("error", "session_not_found")

    play(scenario)
    other.refresh_from_db()
    assert other.desired == "STOPPED"
