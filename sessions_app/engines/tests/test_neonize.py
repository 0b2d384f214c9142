"""The embedded engine keeps the contract of all engines, with a real neonize."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import Options
from sessions_app.engines.neonize.engine import NeonizeEngine
from sessions_app.engines.outgoing import OutgoingText
from sessions_app.engines.tests import neonize_lane
from sessions_app.engines.tests.abilities import PHONE
from sessions_app.engines.tests.contract import EngineContract
from sessions_app.engines.tests.neonize_lane import FRIENDS_NUMBER, OWN_NUMBER

pytestmark = [pytest.mark.neonize, pytest.mark.xdist_group("neonize")]


class TestNeonize(EngineContract):
    capabilities = NeonizeEngine.capabilities
    provisions = False

    @pytest.fixture
    def engine(self, whatsapp, neonize_engine):
        self.whatsapp = whatsapp
        return neonize_engine

    @contextlib.asynccontextmanager
    async def paired(self, engine, ref):
        """The friend is a session, too: it reads what it gets before it leaves."""
        friend = neonize_lane.new_ref(options=Options(auto_read=True))
        async with neonize_lane.paired(self.whatsapp, engine, friend, FRIENDS_NUMBER) as (
            self.friend,
            heard,
        ):
            async with neonize_lane.paired(self.whatsapp, engine, ref, OWN_NUMBER) as ours:
                sent = neonize_lane.sent_by(ours[0])
                yield ours
            await heard.wait_until(
                lambda: {i for one in heard.of(events.MessagesRead) for i in one.wa_ids} >= sent
            )

    async def type_code(self, connection, code):
        await asyncio.to_thread(self.whatsapp.phone(PHONE).enter_code, code)

    async def write(self, connection, text):
        to = f"{OWN_NUMBER}@s.whatsapp.net"
        await self.friend.send(OutgoingText("msg_friend", to, text))

    async def fill_address_book(self, connection, recorder):
        await self.write(connection, "Good morning")
        await recorder.wait_for(events.MessageReceived)
