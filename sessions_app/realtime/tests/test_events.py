"""Events reach the tenant's sockets: each once, in order, without gaps."""

import asyncio
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Tenant
from accounts.tests.factories import Login, make_login
from orsta.core.outbox import registry
from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.services import NewEvent, emit_many
from sessions_app.realtime import broadcast, transport
from sessions_app.realtime.tests.live import Live, db, play, relay_events
from sessions_app.services import lifecycle
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db(transaction=True)


def happen(tenant: Tenant, *numbers: int) -> None:
    """Let things happen to one session of the tenant."""
    shard = f"session:{tenant.public_id}"
    with transaction.atomic():
        emit_many(
            NewEvent("message.received", tenant.pk, shard, {"number": number})
            for number in numbers
        )


async def numbers(socket: Live, count: int) -> list[int]:
    """Read so many events and return what they carry, their sequence having no gap."""
    frames = [await socket.read() for _ in range(count)]
    seqs = [frame["seq"] for frame in frames]
    assert seqs == list(range(seqs[0], seqs[0] + count))
    return [frame["data"]["number"] for frame in frames]


async def quiet(socket: Live) -> None:
    """Check that nothing is on its way."""
    assert (await socket.ask({"action": "ping", "id": "quiet"}))["id"] == "quiet"


def test_an_event_carries_its_place(alice: Login) -> None:
    session = make_session(tenant=alice.tenant, status=SessionStatus.STARTING)

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            await db(
                lambda: lifecycle.transition(
                    session,
                    SessionStatus.CONNECTED,
                    now=session.status_changed_at,
                    jid="15550100001@s.whatsapp.net",
                )
            )
            await relay_events()
            frame = await socket.read()
            event = await db(OutboxEvent.objects.get)
            assert frame == {
                "action": "session.status.connected",
                "data": {
                    "session_id": session.public_id,
                    "status": "CONNECTED",
                    "previous": "STARTING",
                    "reason": "",
                    "reason_code": "",
                    "retry_at": None,
                    "jid": "15550100001@s.whatsapp.net",
                },
                "event_id": event.event_id,
                "seq": 1,
                "occurred_at": event.occurred_at.isoformat(),
            }

    play(scenario)


def test_every_socket_of_the_tenant_hears_it_and_no_other(alice: Login) -> None:
    bob = make_login(make_customer())
    OutboxEvent.objects.all().delete()

    async def scenario() -> None:
        async with (
            Live(token=alice.token) as one,
            Live(token=alice.token) as two,
            Live(token=bob.token) as other,
        ):
            await db(happen, alice.tenant, *range(20))
            await relay_events()
            assert await numbers(one, 20) == list(range(20))
            assert await numbers(two, 20) == list(range(20))
            await quiet(other)
            await db(happen, bob.tenant, 99)
            await relay_events()
            assert await numbers(other, 1) == [99]
            await quiet(one)

    play(scenario)


def test_a_socket_begins_where_the_events_are(alice: Login) -> None:
    happen(alice.tenant, 1, 2, 3)

    async def scenario() -> None:
        await relay_events()
        async with Live(token=alice.token) as socket:
            assert socket.connected["data"]["seq"] == 3
            await quiet(socket)

    play(scenario)


class TestResume:
    def test_what_was_missed_comes_before_the_answer(self, alice: Login) -> None:
        happen(alice.tenant, *range(1, 11))

        async def scenario() -> None:
            await relay_events()
            async with Live(token=alice.token) as socket:
                await socket.send({"action": "resume", "payload": {"after": 4}, "id": 9})
                assert await numbers(socket, 6) == [5, 6, 7, 8, 9, 10]
                assert await socket.read() == {
                    "action": "resumed",
                    "data": {"seq": 10, "complete": True, "lost": 0},
                    "id": 9,
                }

        play(scenario)

    def test_nothing_comes_twice_when_events_go_on(self, alice: Login) -> None:
        happen(alice.tenant, 1, 2, 3)

        async def scenario() -> None:
            await relay_events()
            async with Live(token=alice.token) as socket:
                await db(happen, alice.tenant, 4, 5)
                await relay_events()
                await socket.send({"action": "resume", "payload": {"after": 1}})
                await db(happen, alice.tenant, 6)
                await relay_events()
                frames = [await socket.read() for _ in range(6)]
                resumed = next(frame for frame in frames if frame["action"] == "resumed")
                seen = [frame["seq"] for frame in frames if "seq" in frame]
                assert sorted(seen) == [2, 3, 4, 5, 6]
                assert resumed["data"] == {"seq": 3, "complete": True, "lost": 0}
                await quiet(socket)

        play(scenario)

    def test_long_absences_take_several_turns(self, alice: Login) -> None:
        happen(alice.tenant, *range(1, 2_301))

        async def scenario() -> None:
            await relay_events()
            async with Live(token=alice.token) as socket:
                after, seen, complete = 0, [], False
                while not complete:
                    await socket.send({"action": "resume", "payload": {"after": after}})
                    while (frame := await socket.read())["action"] != "resumed":
                        seen.append(frame["seq"])
                    after, complete = frame["data"]["seq"], frame["data"]["complete"]
                    assert frame["data"]["lost"] == 0
                assert seen == list(range(1, 2_301))

        play(scenario)

    def test_what_is_no_longer_kept_is_counted(self, alice: Login) -> None:
        happen(alice.tenant, *range(1, 11))

        async def scenario() -> None:
            await relay_events()
            await db(OutboxEvent.objects.filter(seq__lte=7).delete)
            async with Live(token=alice.token) as socket:
                await socket.send({"action": "resume", "payload": {"after": 2}})
                assert await numbers(socket, 3) == [8, 9, 10]
                answer = await socket.read()
                assert answer["data"] == {"seq": 10, "complete": True, "lost": 5}
            await db(OutboxEvent.objects.all().delete)
            async with Live(token=alice.token) as socket:
                answer = await socket.ask({"action": "resume", "payload": {"after": 2}})
                assert answer["data"] == {"seq": 10, "complete": True, "lost": 8}

        play(scenario)

    def test_a_client_that_knows_more_than_us_hears_where_we_are(self, alice: Login) -> None:
        happen(alice.tenant, 1)

        async def scenario() -> None:
            await relay_events()
            async with Live(token=alice.token) as socket:
                answer = await socket.ask({"action": "resume", "payload": {"after": 50}})
                assert answer["data"] == {"seq": 1, "complete": True, "lost": 0}

        play(scenario)

    @pytest.mark.parametrize("after", [-1, "x", None, 2**63, 1.5, [], {}])
    def test_nonsense_is_refused(self, alice: Login, after: Any) -> None:
        async def scenario() -> None:
            async with Live(token=alice.token) as socket:
                answer = await socket.ask({"action": "resume", "payload": {"after": after}})
                assert (answer["action"], answer["code"]) == ("error", "invalid_input")

        play(scenario)

    def test_others_events_are_not_replayed(self, alice: Login) -> None:
        happen(make_customer(), 1, 2, 3)
        happen(alice.tenant, 4)

        async def scenario() -> None:
            await relay_events()
            async with Live(token=alice.token) as socket:
                await socket.send({"action": "resume", "payload": {"after": 0}})
                assert await numbers(socket, 1) == [4]
                assert (await socket.read())["action"] == "resumed"

        play(scenario)


class TestWhatRedisDoes:
    """The channel layer may drop, repeat and mix up; a socket makes up for it."""

    def test_a_push_that_comes_twice_is_sent_once(self, alice: Login) -> None:
        async def scenario() -> None:
            async with Live(token=alice.token) as socket:
                await db(happen, alice.tenant, 1, 2)
                await relay_events()
                events = await db(lambda: list(OutboxEvent.objects.order_by("seq")))
                await asyncio.to_thread(broadcast.push, events)
                await asyncio.to_thread(broadcast.push, events[:1])
                assert await numbers(socket, 2) == [1, 2]
                await quiet(socket)

        play(scenario)

    def test_a_push_that_is_lost_is_made_up_for_by_the_next(
        self, alice: Login, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario() -> None:
            async with Live(token=alice.token) as socket:
                monkeypatch.setattr(registry, "_batch_handlers", [])
                await db(happen, alice.tenant, 1, 2)
                await relay_events()
                await quiet(socket)
                monkeypatch.undo()
                await db(happen, alice.tenant, 3)
                await relay_events()
                assert await numbers(socket, 3) == [1, 2, 3]
                await quiet(socket)

        play(scenario)

    def test_the_last_push_is_lost_and_time_makes_up_for_it(
        self, alice: Login, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(transport, "LOOK_SECONDS", 0.05)

        async def scenario() -> None:
            async with Live(token=alice.token) as socket:
                monkeypatch.setattr(registry, "_batch_handlers", [])
                await db(happen, alice.tenant, 1, 2)
                await relay_events()
                assert await numbers(socket, 2) == [1, 2]
                await quiet(socket)

        play(scenario)

    def test_pushes_in_the_wrong_order_are_sent_in_the_right_one(self, alice: Login) -> None:
        async def scenario() -> None:
            async with Live(token=alice.token) as socket:
                await db(happen, alice.tenant, 1, 2, 3)
                events = await db(lambda: list(OutboxEvent.objects.order_by("pk")))
                await relay_without_push()
                for event in (events[1], events[2], events[0]):
                    await db(event.refresh_from_db)
                    await asyncio.to_thread(broadcast.push, [event])
                assert await numbers(socket, 3) == [1, 2, 3]
                await quiet(socket)

        async def relay_without_push() -> None:
            with monkey.context() as patch:
                patch.setattr(registry, "_batch_handlers", [])
                await relay_events()

        monkey = pytest.MonkeyPatch()
        play(scenario)


def test_events_of_nobody_are_not_pushed(alice: Login) -> None:
    with transaction.atomic():
        emit_many([NewEvent("runner.started", None, "runner:1", {})])

    async def scenario() -> None:
        async with Live(token=alice.token) as socket:
            assert await relay_events() == 1
            await quiet(socket)

    play(scenario)
