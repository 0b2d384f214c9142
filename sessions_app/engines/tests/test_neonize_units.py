"""The parts of the embedded engine that need no WhatsApp: wire, states, options."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.content import Media, MessageKind, ReceiptKind
from sessions_app.engines.neonize import frames, packing
from sessions_app.engines.neonize.engine import NeonizeEngine
from sessions_app.engines.neonize.states import ALLOWED, HostState, after, require

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PHOTO = Media("image/jpeg", 512, reference={"media_key": "a2V5"})
MESSAGE = events.MessageReceived(
    "WA1", "1@lid", "1@lid", "Hi", NOW, kind=MessageKind.IMAGE, media=PHOTO
)


def read_frame(data):
    async def read():
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await frames.read(reader)

    return asyncio.run(read())


class TestFrames:
    def test_a_frame_arrives_as_it_was_sent(self):
        frame = {"id": 1, "op": "send", "args": {"text": "Olá 👋"}}

        assert read_frame(frames.encode(frame)) == frame

    def test_a_stream_that_ends_within_a_frame_has_ended(self):
        assert read_frame(frames.encode({"ping": 1})[:-1]) is None

    @pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\3{x}"])
    def test_what_is_no_frame_is_refused(self, data):
        with pytest.raises(frames.BrokenFrame):
            read_frame(data)


class TestEventsOnTheWire:
    @pytest.mark.parametrize(
        "event",
        [
            MESSAGE,
            events.HistoryReceived((MESSAGE, MESSAGE)),
            events.ReceiptReceived(("WA1", "WA2"), ReceiptKind.READ, NOW),
            events.ChallengeIssued("qr", 1, timedelta(seconds=60)),
            events.TemporarilyBanned(101, NOW),
            events.Restricted(),
            events.Replaced(),
            events.PasskeyRequested({}, timedelta(minutes=5)),
        ],
    )
    def test_every_shape_of_event_survives_the_wire(self, event):
        frame = {"event": packing.pack(event)}

        name, data = read_frame(frames.encode(frame))["event"]

        assert packing.unpack(name, data) == event

    def test_what_is_no_event_is_refused(self):
        for name, data in (("os", {}), ("Connected", {"jid": "1@lid", "x": 1})):
            with pytest.raises(ValueError, match=name):
                packing.unpack(name, data)


class TestStates:
    # An operation that reaches Go in any other state aborts the process.
    EVERYWHERE = {"status"}
    WHILE_PAIRING = {"pair_code"}

    @pytest.mark.parametrize("state", HostState)
    @pytest.mark.parametrize("op", ALLOWED)
    def test_an_operation_is_tried_in_its_states_only(self, op, state):
        safe = (
            op in self.EVERYWHERE
            or (op in self.WHILE_PAIRING and state is HostState.PAIRING)
            or (op not in self.WHILE_PAIRING and state is HostState.CONNECTED)
        )
        if safe:
            require(op, state)
        else:
            with pytest.raises(EngineError):
                require(op, state)

    def test_an_unknown_operation_is_refused(self):
        with pytest.raises(EngineError):
            require("get_me", HostState.CONNECTED)

    def test_events_move_a_host_through_its_states(self):
        state, seen = HostState.NEW, []
        for event in (
            events.ChallengeIssued("qr", 1, timedelta(seconds=60)),
            events.Paired("1@s.whatsapp.net"),
            events.Connected("1@s.whatsapp.net"),
            events.Degraded("silent"),
            events.Disconnected("broken"),
            events.Connected("1@s.whatsapp.net"),
            events.LoggedOut("removed"),
            events.Connected("1@s.whatsapp.net"),
        ):
            state = after(state, event)
            seen.append(state.value)

        assert seen == [
            "pairing",
            "paired",
            "connected",
            "connected",
            "disconnected",
            "connected",
            "ended",
            "ended",
        ]


class TestOptions:
    @pytest.mark.parametrize("dsn", ["sqlite.db", "host=db user=x", ""])
    def test_a_store_that_is_no_postgresql_url_is_refused(self, dsn, tmp_path):
        with pytest.raises(ValueError, match="postgres"):
            NeonizeEngine(dsn, tmp_path)

    def test_the_account_is_in_no_repr(self, tmp_path):
        engine = NeonizeEngine("postgres://u:s3cret@db/x", tmp_path)

        assert "s3cret" not in repr(engine) + repr(engine._command)
