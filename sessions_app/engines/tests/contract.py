"""What every engine must do. A subclass gives an engine and plays the other side."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from sessions_app import jids
from sessions_app.engines import events
from sessions_app.engines.base import EngineError, SessionRef
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.tests.abilities import Abilities, needs
from sessions_app.engines.tests.live import connected, live

FRIEND = "15550100123@s.whatsapp.net"
SILENCE_SECONDS = 0.2  # long enough for what must not come


class EngineContract(Abilities):
    """Subclass it with a fixture `engine` and the methods that play the other side.

    :cvar capabilities: the engine's; tests of what it lacks are left out.
    """

    capabilities: frozenset[Capability] = frozenset(Capability)
    provisions = True  # False: the engine keeps nothing of a session before it is paired

    def __init_subclass__(cls):
        super().__init_subclass__()
        for name in dir(cls):
            needed = getattr(getattr(cls, name), "needs", None)
            if needed is not None and needed not in cls.capabilities:
                setattr(cls, name, None)
        if not cls.provisions:
            cls.test_a_session_that_nobody_provisioned_has_no_stream = None

    async def scan(self, connection):
        """Have the phone accept the device that shows a code."""
        raise NotImplementedError

    async def write(self, connection, text):
        """Have FRIEND send a text to the device, connected or not."""
        raise NotImplementedError

    async def fill_address_book(self, connection, recorder):
        """Have the account know somebody, where an account starts without people."""

    @contextlib.asynccontextmanager
    async def paired(self, engine, ref):
        async with connected(engine, ref) as (connection, recorder):
            await recorder.wait_for(events.ChallengeIssued)
            await self.scan(connection)
            await recorder.wait_for(events.Connected)
            yield connection, recorder

    def test_provisioning_and_purging_can_be_repeated(self, engine, ref):
        engine.provision(ref)
        engine.purge(ref)
        engine.purge(ref)

    @live
    async def test_a_session_that_nobody_provisioned_has_no_stream(self, engine):
        with pytest.raises(EngineError):
            async with connected(engine, SessionRef("ses_nobody", epoch=1)):
                pass

    @live
    async def test_an_unlinked_device_shows_a_code(self, engine, ref):
        async with connected(engine, ref) as (_, recorder):
            challenge = await recorder.wait_for(events.ChallengeIssued)

        assert challenge.seq == 1
        assert challenge.text
        assert challenge.valid_for > timedelta(0)

    @live
    async def test_a_scanned_device_is_paired_and_then_connected(self, engine, ref):
        async with self.paired(engine, ref) as (_, recorder):
            paired = await recorder.wait_for(events.Paired)
            up = await recorder.wait_for(events.Connected)

        assert paired.jid == up.jid == jids.normalize(up.jid)
        assert recorder.events.index(paired) < recorder.events.index(up)

    @live
    async def test_a_linked_device_connects_without_a_code(self, engine, ref):
        async with self.paired(engine, ref) as (_, first):
            pass
        async with connected(engine, ref) as (_, second):
            up = await second.wait_for(events.Connected)

        assert second.events[0] == up == first.of(events.Connected)[0]
        assert second.of(events.ChallengeIssued) == []

    @live
    async def test_the_server_takes_a_text(self, engine, ref):
        async with self.paired(engine, ref) as (connection, _):
            sent = await connection.send(OutgoingText("msg_1", FRIEND, "Hello"))

        assert sent.wa_id
        assert abs(datetime.now(UTC) - sent.sent_at) < timedelta(hours=1)

    @needs(Capability.CLIENT_MESSAGE_ID)
    @live
    async def test_the_callers_message_id_makes_a_repeated_send_one_message(self, engine, ref):
        async with self.paired(engine, ref) as (connection, _):
            first = await connection.send(OutgoingText("msg_1", FRIEND, "Hello"))
            again = await connection.send(OutgoingText("msg_1", FRIEND, "Hello"))

        assert first.wa_id == "msg_1"
        assert again == first

    @needs(Capability.CONNECTION_EVENTS)
    @live
    async def test_a_text_is_delivered_and_then_read(self, engine, ref):
        async with self.paired(engine, ref) as (connection, recorder):
            sent = await connection.send(OutgoingText("msg_1", FRIEND, "Hello"))
            await recorder.wait_for_receipts(ReceiptKind.READ, [sent.wa_id])

        kinds = [receipt.kind for receipt in recorder.of(events.ReceiptReceived)]
        # Each of a friend's devices may tell that it has the message.
        assert list(dict.fromkeys(kinds)) == [ReceiptKind.DELIVERED, ReceiptKind.READ]
        assert all(receipt.at.tzinfo for receipt in recorder.of(events.ReceiptReceived))

    @needs(Capability.CONNECTION_EVENTS)
    @live
    async def test_receipts_that_no_connection_got_come_with_the_next_one(self, engine, ref):
        async with self.paired(engine, ref) as (connection, first):
            sent = await connection.send(OutgoingText("msg_1", FRIEND, "Hello"))
        async with connected(engine, ref) as (_, second):
            if sent.wa_id not in first.receipted(ReceiptKind.READ):
                await second.wait_for_receipts(ReceiptKind.READ, [sent.wa_id])
            await second.wait_for(events.Connected)

        assert isinstance(second.events[0], events.Connected)

    @needs(Capability.CONNECTION_EVENTS)
    @live
    async def test_receipts_that_were_not_kept_come_with_the_next_one(self, engine, ref):
        async with self.paired(engine, ref) as (connection, first):
            first.keeping.clear()
            sent = await connection.send(OutgoingText("msg_1", FRIEND, "Hello"))
            await first.wait_for_receipts(ReceiptKind.READ, [sent.wa_id])
        async with connected(engine, ref) as (_, second):
            await second.wait_for_receipts(ReceiptKind.READ, [sent.wa_id])

    @live
    async def test_a_message_for_the_device_is_received(self, engine, ref):
        async with self.paired(engine, ref) as (connection, recorder):
            await self.write(connection, "Good morning")
            message = await recorder.wait_for(events.MessageReceived)

        assert message.text == "Good morning"
        assert message.wa_id
        assert message.sent_at.tzinfo
        for jid in (message.chat, message.sender):
            assert jid == jids.normalize(jid)

    @needs(Capability.CONTACTS)
    @live
    async def test_the_address_book_comes_in_pages(self, engine, ref):
        async with self.paired(engine, ref) as (connection, recorder):
            await self.fill_address_book(connection, recorder)
            pages = [page async for page in connection.contacts(page_size=10)]

        found = [entry.jid for page in pages for entry in page]
        assert all(0 < len(page) <= 10 for page in pages)
        assert len(set(found)) == len(found) > 0
        assert [jids.normalize(jid) for jid in found] == found

    @live
    async def test_nothing_can_be_sent_before_the_device_is_connected(self, engine, ref):
        async with connected(engine, ref) as (connection, recorder):
            await recorder.wait_for(events.ChallengeIssued)
            with pytest.raises(EngineError):
                await connection.send(OutgoingText("msg_1", FRIEND, "Hello"))

    @live
    async def test_an_unknown_action_is_refused(self, engine, ref):
        async with connected(engine, ref) as (connection, _):
            with pytest.raises(EngineError):
                await connection.act("teleport", {})

    @live
    async def test_a_closed_connection_is_silent_and_refuses_everything(self, engine, ref):
        async with self.paired(engine, ref) as (connection, recorder):
            await connection.send(OutgoingText("msg_1", FRIEND, "Hello"))
            await connection.close()
            heard = list(recorder.events)
            await connection.close()

            await asyncio.sleep(SILENCE_SECONDS)

            assert recorder.events == heard
            with pytest.raises(EngineError):
                await connection.send(OutgoingText("msg_2", FRIEND, "Hello"))
            with pytest.raises(EngineError):
                await connection.act("scan", {})

    @live
    async def test_a_connection_that_was_handed_over_is_silent_and_the_next_goes_on(
        self, engine, ref
    ):
        async with self.paired(engine, ref) as (connection, first):
            await connection.leave()
            await connection.leave()
            heard = list(first.events)
            async with connected(engine, ref) as (_, second):
                await second.wait_for(events.Connected)

        assert first.events == heard
        assert second.of(events.ChallengeIssued) == []

    @live
    async def test_a_logged_out_device_needs_a_new_pairing(self, engine, ref):
        async with self.paired(engine, ref) as (connection, _):
            await connection.logout()
            await connection.logout()
        async with connected(engine, ref) as (_, recorder):
            await recorder.wait_for(events.ChallengeIssued)

        assert recorder.of(events.Connected) == []

    @live
    async def test_a_purged_session_has_lost_its_credentials(self, engine, ref):
        async with self.paired(engine, ref):
            pass
        engine.purge(ref)
        engine.provision(ref)
        async with connected(engine, ref) as (_, recorder):
            await recorder.wait_for(events.ChallengeIssued)

        assert recorder.of(events.Connected) == []
