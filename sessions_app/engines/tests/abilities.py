"""What every engine must do with what only some can do: do it, or say that it can't."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from sessions_app import jids
from sessions_app.engines import events
from sessions_app.engines.base import CapabilityMissing, EngineError
from sessions_app.engines.capabilities import MEDIA, Capability
from sessions_app.engines.outgoing import (
    OutgoingEdit,
    OutgoingMedia,
    OutgoingReaction,
    OutgoingRevoke,
    OutgoingText,
    Quoted,
    needed_for,
)
from sessions_app.engines.tests.live import connected, live

FRIEND = "15550100123@s.whatsapp.net"
PHONE = "15550100177"
CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")
TARGET = Quoted("WA1", FRIEND, text="Hello")
OURS = Quoted("msg_0", PHONE, from_me=True)
SENDS = [
    OutgoingText("msg_1", FRIEND, "Yes", quoted=TARGET),
    OutgoingReaction("msg_2", FRIEND, TARGET, "\N{THUMBS UP SIGN}"),
    OutgoingEdit("msg_3", FRIEND, OURS, "Hallo"),
    OutgoingRevoke("msg_4", FRIEND, OURS),
    *(
        OutgoingMedia(f"msg_{kind}", FRIEND, kind, b"\x00", "application/octet-stream")
        for kind in MEDIA
    ),
]


def needs(capability):
    """Run the test for engines that can do this only; the others refuse it by name."""

    def mark(test):
        test.needs = capability
        return test

    return mark


class Abilities:
    """A part of `EngineContract`."""

    async def type_code(self, connection, code):
        """Have the phone PHONE link the device by the code that it typed."""
        raise NotImplementedError

    async def demand_passkey(self, connection):
        """Have the next pairing ask for a passkey, and scan."""
        raise NotImplementedError

    @needs(Capability.PAIR_CODE)
    @live
    async def test_a_code_to_type_links_the_device(self, engine, ref):
        async with connected(engine, ref) as (connection, recorder):
            await recorder.wait_for(events.ChallengeIssued)
            issued = await connection.pair_with_code(PHONE)
            await self.type_code(connection, issued.code)
            up = await recorder.wait_for(events.Connected)

        assert CODE.fullmatch(issued.code)
        assert issued.valid_for > timedelta(0)
        assert jids.phone_of(up.jid) == PHONE

    @needs(Capability.PAIR_CODE)
    @live
    async def test_a_connected_device_has_no_use_for_a_code(self, engine, ref):
        async with self.paired(engine, ref) as (connection, _):
            with pytest.raises(EngineError):
                await connection.pair_with_code(PHONE)

    @needs(Capability.PASSKEY)
    @live
    async def test_a_passkey_is_asked_for_compared_and_links_the_device(self, engine, ref):
        async with connected(engine, ref) as (connection, recorder):
            await recorder.wait_for(events.ChallengeIssued)
            await self.demand_passkey(connection)
            wanted = await recorder.wait_for(events.PasskeyRequested)
            await connection.answer_passkey({"id": "a passkey"})
            comparison = await recorder.wait_for(events.PasskeyConfirmation)
            await connection.confirm_passkey(comparison.code)
            await recorder.wait_for(events.Connected)

        assert wanted.options["challenge"]
        assert wanted.valid_for > timedelta(0)

    @needs(Capability.PASSKEY)
    @live
    async def test_a_passkey_that_nobody_asked_for_is_refused(self, engine, ref):
        async with self.paired(engine, ref) as (connection, _):
            with pytest.raises(EngineError):
                await connection.answer_passkey({"id": "a passkey"})
            with pytest.raises(EngineError):
                await connection.confirm_passkey("12345678")

    @live
    async def test_a_probe_finds_what_is(self, engine, ref):
        async with connected(engine, ref) as (connection, recorder):
            await recorder.wait_for(events.ChallengeIssued)
            before = await connection.status()
        async with self.paired(engine, ref) as (connection, recorder):
            after = await connection.status()
            up = recorder.of(events.Connected)[0]

        assert (before.connected, before.linked) == (False, False)
        assert (after.connected, after.linked) == (True, True)
        assert after.jid in {"", up.jid}

    @needs(Capability.CHECK_NUMBERS)
    @live
    async def test_numbers_are_looked_up_in_order(self, engine, ref):
        phones = ["15550100124", "15550100123"]
        async with self.paired(engine, ref) as (connection, _):
            found = await connection.check_numbers(phones)

        assert [check.phone for check in found] == phones
        for check in found:
            assert not check.jid or check.jid == jids.normalize(check.jid)

    @live
    async def test_what_an_engine_lacks_is_refused_by_name(self, engine, ref):
        calls = {
            Capability.PAIR_CODE: lambda it: it.pair_with_code(PHONE),
            Capability.PASSKEY: lambda it: it.answer_passkey({"id": "a passkey"}),
            Capability.CHECK_NUMBERS: lambda it: it.check_numbers([PHONE]),
        }
        async with self.paired(engine, ref) as (connection, _):
            for capability, call in calls.items():
                if capability not in engine.capabilities:
                    with pytest.raises(CapabilityMissing) as refusal:
                        await call(connection)
                    assert refusal.value.capability == capability

    @live
    async def test_what_an_engine_can_not_send_is_refused_by_name(self, engine, ref):
        async with self.paired(engine, ref) as (connection, _):
            for message in SENDS:
                needed = needed_for(message)
                if needed not in engine.capabilities:
                    with pytest.raises(CapabilityMissing) as refusal:
                        await connection.send(message)
                    assert refusal.value.capability == needed
