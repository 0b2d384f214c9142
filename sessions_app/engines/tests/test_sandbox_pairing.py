"""How a sandbox device is linked, and how it stops being so."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.sandbox import people
from sessions_app.engines.tests.live import connected, live, paired, world

CODE = re.compile(
    r"https://wa\.me/settings/linked_devices#2@[^,]{44},[^,]{44},[^,]{44},[^,]{44},1"
)


@live
async def test_six_codes_rotate_and_then_the_pairing_times_out(make_engine, ref):
    async with connected(make_engine(speed=1000), ref) as (connection, recorder):
        await recorder.wait_for(events.PairingTimedOut)
        with pytest.raises(EngineError, match="nothing to scan"):
            await connection.act("scan", {})

    codes = recorder.of(events.ChallengeIssued)
    assert [code.seq for code in codes] == [1, 2, 3, 4, 5, 6]
    assert [code.valid_for * 1000 for code in codes] == [
        timedelta(seconds=seconds) for seconds in (60, 20, 20, 20, 20, 20)
    ]
    assert len({code.text for code in codes}) == 6
    assert all(CODE.fullmatch(code.text) for code in codes)
    assert isinstance(recorder.events[-1], events.PairingTimedOut)


@live
async def test_a_code_is_up_for_as_long_as_it_says(make_engine, ref):
    async with connected(make_engine(speed=1), ref) as (_, recorder):
        code = await recorder.wait_for(events.ChallengeIssued)

    assert code.valid_for == timedelta(seconds=60)
    assert recorder.events == [code]


def test_codes_follow_from_session_epoch_attempt_and_place():
    def texts(session_id, epoch, attempt):
        codes = people.challenges(session_id, epoch=epoch, attempt=attempt, speed=1)
        return [code.text for code in codes]

    assert texts("ses_1", 1, 1) == texts("ses_1", 1, 1)
    others = [texts("ses_2", 1, 1), texts("ses_1", 2, 1), texts("ses_1", 1, 2)]
    assert len({text for codes in [texts("ses_1", 1, 1), *others] for text in codes}) == 24


@live
async def test_another_attempt_shows_other_codes(engine, ref):
    async with connected(engine, ref) as (_, recorder):
        first = await recorder.wait_for(events.ChallengeIssued)
    async with connected(engine, ref) as (_, recorder):
        second = await recorder.wait_for(events.ChallengeIssued)

    assert first.seq == second.seq == 1
    assert first.text != second.text


@live
async def test_a_device_gets_the_number_that_follows_from_its_session(engine, ref):
    async with paired(engine, ref) as (_, recorder):
        phone = recorder.of(events.Paired)[0]

    assert phone.jid == f"{people.phone(ref.session_id)}@s.whatsapp.net"
    assert re.fullmatch(r"1555\d{7}@s\.whatsapp\.net", phone.jid)
    assert phone.push_name == people.push_name(ref.session_id)


@live
async def test_no_two_devices_get_the_same_number(engine, make_ref, monkeypatch):
    monkeypatch.setattr(
        people, "phone", lambda session_id, attempt=0: f"155500000{attempt:02d}"
    )
    found = []
    for ref in (make_ref(), make_ref(), make_ref()):
        async with paired(engine, ref) as (_, recorder):
            found.append(recorder.of(events.Connected)[0].jid)

    assert len(set(found)) == 3


@live
async def test_the_scan_may_name_the_phone(engine, ref):
    scan = {"phone": "+1 (555) 010-0199", "push_name": "Alice", "contacts": 3}
    async with paired(engine, ref, **scan) as (connection, recorder):
        pages = [page async for page in connection.contacts(page_size=100)]

    assert recorder.of(events.Paired) == [events.Paired("15550100199@s.whatsapp.net", "Alice")]
    assert [len(page) for page in pages] == [3]


@live
async def test_a_scan_answers_who_was_linked(engine, ref):
    async with connected(engine, ref) as (connection, recorder):
        answer = await connection.act("scan", {})
        phone = await recorder.wait_for(events.Paired)

    assert answer == {"jid": phone.jid, "push_name": phone.push_name}


@live
async def test_a_refused_scan_leaves_the_code_on_show(engine, ref):
    async with connected(engine, ref) as (connection, recorder):
        with pytest.raises(EngineError, match="country code"):
            await connection.act("scan", {"phone": "alice"})
        await connection.act("scan", {})
        await recorder.wait_for(events.Connected)


@live
async def test_a_linked_device_shows_no_code_to_scan(engine, ref):
    async with paired(engine, ref) as (connection, _):
        with pytest.raises(EngineError, match="nothing to scan"):
            await connection.act("scan", {})


@live
async def test_no_code_follows_the_scan(make_engine, ref):
    async with connected(make_engine(speed=100), ref) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        await connection.act("scan", {})
        await asyncio.sleep(0.8)  # the second code would have come after 0.6

    kinds = [type(event) for event in recorder.events]
    after = kinds[kinds.index(events.Paired) :]
    assert after == [events.Paired, events.Connected]


@live
async def test_a_device_that_the_phone_removed_needs_a_new_pairing(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        await connection.act("fault", {"kind": "logged_out"})
        await recorder.wait_for(events.LoggedOut)
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        await connection.act("scan", {})
        await recorder.wait_for(events.Connected)


@live
async def test_a_banned_device_is_refused_until_the_ban_ends(engine, ref):
    ban = {"kind": "temp_ban", "seconds": 600, "code": 104}
    async with paired(engine, ref) as (connection, first):
        await connection.act("fault", ban)
        banned = await first.wait_for(events.TemporarilyBanned)
    async with connected(engine, ref) as (_, second):
        await second.wait_for(events.TemporarilyBanned)
    world(
        "UPDATE sandbox.device SET banned_until = now() WHERE session_id = %s", ref.session_id
    )
    async with connected(engine, ref) as (_, third):
        await third.wait_for(events.Connected)

    assert banned.code == 104
    assert second.events == [banned]
    assert third.of(events.TemporarilyBanned) == []


@live
async def test_a_session_that_was_purged_can_not_be_linked(make_engine, ref):
    async with connected(make_engine(speed=0.1), ref) as (connection, _):
        make_engine().purge(ref)
        with pytest.raises(EngineError, match="does not know this session"):
            await connection.act("scan", {})


@live
async def test_a_purge_ends_the_stream(engine, ref):
    async with paired(engine, ref) as (_, recorder):
        engine.purge(ref)
        await recorder.wait_for(events.LoggedOut)
