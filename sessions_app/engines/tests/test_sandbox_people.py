"""Those who write to a sandbox device, and its address book."""

from __future__ import annotations

import pytest

from sessions_app import jids
from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.sandbox import people
from sessions_app.engines.tests.contract import FRIEND
from sessions_app.engines.tests.live import connected, live, paired, world


def waiting(ref):
    query = "SELECT count(*) FROM sandbox.inbound WHERE session_id = %s"
    return world(query, ref.session_id)[0][0]


@live
async def test_messages_are_numbered_and_keep_their_order(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        answer = await connection.act(
            "inbound", {"from": "+1 555 010 0123", "text": "Hi", "count": 3, "id": "in"}
        )

    messages = recorder.of(events.MessageReceived)
    assert answer == {"id": "in", "count": 3, "queued": False}
    assert [message.text for message in messages] == ["Hi #1", "Hi #2", "Hi #3"]
    assert [message.wa_id for message in messages] == ["in-1", "in-2", "in-3"]
    assert {(message.chat, message.sender, message.phone) for message in messages} == {
        (FRIEND, FRIEND, "15550100123")
    }


@live
async def test_one_message_has_the_id_that_the_caller_gave_or_one_of_its_own(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        given = await connection.act("inbound", {"from": FRIEND, "text": "Hi", "id": "in"})
        own = await connection.act("inbound", {"from": FRIEND, "text": "Hi"})

    found = [message.wa_id for message in recorder.of(events.MessageReceived)]
    assert found == [given["id"], own["id"]]
    assert given["id"] == "in" != own["id"]


@pytest.mark.parametrize(
    ("arguments", "sender", "phone"),
    [
        ({"from": FRIEND}, FRIEND, "15550100123"),
        ({"from": FRIEND, "lid": True}, people.lid("15550100123"), "15550100123"),
        ({"from": "123456789012345:3@lid"}, "123456789012345@lid", ""),
    ],
)
def test_a_sender_may_appear_under_a_lid_with_or_without_a_phone(
    engine, ref, arguments, sender, phone
):
    @live
    async def run():
        async with paired(engine, ref) as (connection, recorder):
            await connection.act("inbound", {**arguments, "text": "Hi", "push_name": "Bob"})
            message = await recorder.wait_for(events.MessageReceived)

        assert (message.chat, message.sender, message.phone) == (sender, sender, phone)
        assert message.push_name == "Bob"

    run()


@live
async def test_messages_for_a_device_that_is_offline_wait_for_it(engine, ref):
    async with connected(engine, ref) as (connection, _):
        for number in range(3):
            wish = {"from": FRIEND, "text": f"{number}", "count": 400, "id": f"in-{number}"}
            assert (await connection.act("inbound", wish))["queued"] is True
        repeated = {"from": FRIEND, "text": "0", "count": 400, "id": "in-0"}
        await connection.act("inbound", repeated)
    assert waiting(ref) == 1200
    async with paired(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.MessageReceived, count=1200)
        # Comes after them, and so after they were dropped.
        await connection.act("presence", {"from": FRIEND, "state": "composing"})

    texts = [message.text for message in recorder.of(events.MessageReceived)]
    assert texts == [f"{number} #{n}" for number in range(3) for n in range(1, 401)]
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.Connected)
        await connection.act("inbound", {"from": FRIEND, "text": "Last"})
    assert [message.text for message in recorder.of(events.MessageReceived)] == ["Last"]
    assert waiting(ref) == 0


@live
async def test_messages_that_were_not_kept_come_with_the_next_connection(engine, ref):
    async with connected(engine, ref) as (connection, first):
        await connection.act("inbound", {"from": FRIEND, "text": "Hi"})
        first.keeping.clear()
        await connection.act("scan", {})
        await first.wait_for(events.MessageReceived)
    assert waiting(ref) == 1

    async with connected(engine, ref) as (connection, second):
        await second.wait_for(events.MessageReceived)

    assert second.of(events.MessageReceived) == first.of(events.MessageReceived)


@live
async def test_a_message_that_comes_while_the_stream_is_down_waits(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        await connection.act("fault", {"kind": "drop"})
        answer = await connection.act("inbound", {"from": FRIEND, "text": "Hi"})
        message = await recorder.wait_for(events.MessageReceived)

    up_again = recorder.of(events.Connected)[1]
    assert answer["queued"] is True
    assert recorder.events.index(message) > recorder.events.index(up_again)


@live
async def test_presence_is_seen_while_connected(engine, ref):
    async with connected(engine, ref) as (connection, recorder):
        wish = {"from": "+1 555 010 0123", "state": "composing"}
        with pytest.raises(EngineError, match="not connected"):
            await connection.act("presence", wish)
        await connection.act("scan", {})
        await recorder.wait_for(events.Connected)
        await connection.act("presence", wish)

    assert recorder.of(events.PresenceChanged) == [events.PresenceChanged(FRIEND, "composing")]


@pytest.mark.parametrize(
    ("action", "arguments", "sentence"),
    [
        (
            "teleport",
            {},
            "Unknown action 'teleport'; use one of scan, inbound, presence,",
        ),
        (
            "scan",
            {"name": "Al"},
            "Unknown argument 'name'; scan takes phone, push_name, contacts",
        ),
        ("scan", {"contacts": 200_001}, "`contacts` must be a whole number from 0 to 200000"),
        ("scan", {"contacts": True}, "`contacts` must be a whole number"),
        ("scan", {"phone": "1555"}, "Give a phone number with its country code"),
        ("scan", {"phone": "123456789012345@lid"}, "Give a person: a phone number or a JID at"),
        ("scan", {"push_name": "x" * 101}, "`push_name` must not be longer than 100"),
        ("inbound", {}, "`from` must be a text"),
        ("inbound", {"from": FRIEND}, "`text` must be a text"),
        ("inbound", {"from": FRIEND, "text": ""}, "`text` must not be empty"),
        ("inbound", {"from": FRIEND, "text": "\x00"}, "`text` must be a text"),
        ("inbound", {"from": "1203630252461@g.us", "text": "Hi"}, "Give a person"),
        ("inbound", {"from": "status@broadcast", "text": "Hi"}, "Give a person"),
        ("inbound", {"from": FRIEND, "text": "Hi", "count": 0}, "whole number from 1 to 1000"),
        ("inbound", {"from": FRIEND, "text": "Hi", "count": "3"}, "`count` must be a whole"),
        ("inbound", {"from": FRIEND, "text": "Hi", "id": "a b"}, "`id` may hold letters"),
        ("inbound", {"from": FRIEND, "text": "Hi", "lid": 1}, "`lid` must be true or false"),
        ("presence", {"from": FRIEND, "state": "asleep"}, "`state` must be one of composing"),
        ("fault", {}, "`kind` must be one of drop, restart, replaced, logged_out, temp_ban"),
        ("fault", {"kind": ["drop"]}, "`kind` must be one of drop"),
        ("fault", {"kind": "drop", "seconds": 5}, "does not take 'seconds'"),
        ("fault", {"kind": "temp_ban", "seconds": 0}, "`seconds` must be a whole number"),
        ("fault", {"kind": "temp_ban", "code": 105}, "`code` must be one of 101, 102"),
    ],
)
def test_a_wrong_wish_is_refused_with_what_is_right(engine, ref, action, arguments, sentence):
    @live
    async def run():
        async with connected(engine, ref) as (connection, _):
            with pytest.raises(EngineError) as refused:
                await connection.act(action, arguments)

        assert sentence in str(refused.value)
        assert not refused.value.retryable

    run()


def test_some_contacts_have_a_lid_and_some_have_nothing_else():
    [page] = people.contacts("ses_1", count=35, page_size=100)

    lid_only = [number for number, entry in enumerate(page, 1) if not entry.phone]
    under_lid = [number for number, entry in enumerate(page, 1) if entry.jid.endswith("@lid")]
    assert lid_only == [7, 14, 21, 28, 35]
    assert under_lid == [5, 7, 10, 14, 15, 20, 21, 25, 28, 30, 35]
    for entry in page:
        expected = (f"{entry.phone}@s.whatsapp.net", people.lid(entry.phone or "0"))
        assert not entry.phone or entry.jid in expected
        assert entry.push_name


def test_an_address_book_is_the_same_each_time_and_in_every_page_size():
    def book(session_id, page_size):
        pages = people.contacts(session_id, count=25, page_size=page_size)
        return [entry for page in pages for entry in page]

    assert book("ses_1", 25) == book("ses_1", 7) == book("ses_1", 1)
    assert book("ses_1", 25) != book("ses_2", 25)


@live
async def test_the_largest_address_book_is_read_page_by_page(engine, ref):
    async with paired(engine, ref, contacts=200_000) as (connection, _):
        sizes, found = [], set()
        async for page in connection.contacts(page_size=3_000):
            sizes.append(len(page))
            found.update(entry.jid for entry in page)

    assert sizes == [3_000] * 66 + [2_000]
    assert len(found) == 200_000


@live
async def test_a_page_holds_at_least_one_contact(engine, ref):
    async with paired(engine, ref) as (connection, _):
        with pytest.raises(EngineError, match="at least one"):
            await anext(connection.contacts(page_size=0))


def test_numbers_of_one_person_are_valid_jids():
    for seed in range(50):
        digits = people.phone(f"ses_{seed}")
        assert jids.from_phone(digits) == f"{digits}@s.whatsapp.net"
        assert jids.normalize(people.lid(digits)) == people.lid(digits)
