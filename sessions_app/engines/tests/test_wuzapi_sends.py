"""What each message asks of the gateway, and what a session looks up there."""

from __future__ import annotations

import base64

import pytest

from sessions_app.engines import events
from sessions_app.engines.answers import NumberCheck
from sessions_app.engines.base import EngineError, Options
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.outgoing import (
    OutgoingEdit,
    OutgoingMedia,
    OutgoingReaction,
    OutgoingRevoke,
    OutgoingText,
    Quoted,
)
from sessions_app.engines.tests.contract import FRIEND
from sessions_app.engines.tests.fake_gateway import shapes
from sessions_app.engines.tests.fixtures import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.live import live
from sessions_app.engines.tests.wuzapi_rig import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.wuzapi_rig import paired

GROUP = "120363041234567890@g.us"
OWN = "15550200001@s.whatsapp.net"
THEIRS = Quoted("3EB0TT", FRIEND, text="Question?")
OURS = Quoted("3EB0OO", OWN, from_me=True)


@pytest.mark.parametrize(
    ("message", "path", "body"),
    [
        (
            OutgoingText("3EB0AA", FRIEND, "Hello"),
            "/chat/send/text",
            {"Phone": FRIEND, "Body": "Hello", "Id": "3EB0AA"},
        ),
        (
            OutgoingText("3EB0AA", FRIEND, "Answer", quoted=THEIRS),
            "/chat/send/text",
            {
                "Phone": FRIEND,
                "Body": "Answer",
                "Id": "3EB0AA",
                "ContextInfo": {"StanzaID": "3EB0TT", "Participant": FRIEND},
                "QuotedText": "Question?",
            },
        ),
        (
            OutgoingReaction("3EB0AA", FRIEND, THEIRS, "👍"),
            "/chat/react",
            {"Phone": FRIEND, "Body": "👍", "Id": "3EB0TT"},
        ),
        (
            OutgoingReaction("3EB0AA", GROUP, THEIRS, ""),
            "/chat/react",
            {"Phone": GROUP, "Body": "remove", "Id": "3EB0TT", "Participant": FRIEND},
        ),
        (
            OutgoingReaction("3EB0AA", FRIEND, OURS, "👍"),
            "/chat/react",
            {"Phone": FRIEND, "Body": "👍", "Id": "me:3EB0OO"},
        ),
        (
            OutgoingEdit("3EB0AA", FRIEND, OURS, "Better"),
            "/chat/send/edit",
            {"Phone": FRIEND, "Id": "3EB0OO", "Body": "Better"},
        ),
        (
            OutgoingRevoke("3EB0AA", FRIEND, OURS),
            "/chat/delete",
            {"Phone": FRIEND, "Id": "3EB0OO"},
        ),
        (
            OutgoingMedia("3EB0AA", FRIEND, Capability.IMAGE, b"pic", "image/jpeg"),
            "/chat/send/image",
            {
                "Phone": FRIEND,
                "Id": "3EB0AA",
                "Image": "data:image/jpeg;base64,cGlj",
                "MimeType": "image/jpeg",
                "Caption": "",
            },
        ),
        (
            OutgoingMedia(
                "3EB0AA",
                FRIEND,
                Capability.DOCUMENT,
                b"pdf",
                "application/pdf",
                file_name="a.pdf",
                caption="Read",
            ),
            "/chat/send/document",
            {
                "Phone": FRIEND,
                "Id": "3EB0AA",
                "Document": "data:application/octet-stream;base64,cGRm",
                "MimeType": "application/pdf",
                "Caption": "Read",
                "FileName": "a.pdf",
            },
        ),
    ],
    ids=["text", "reply", "reaction", "unreact", "own", "edit", "revoke", "image", "document"],
)
def test_messages_are_asked_for(engine, gateway_server, ref, message, path, body):
    @live
    async def scene():
        async with paired(engine, gateway_server, ref) as (connection, _):
            sent = await connection.send(message)

        assert gateway_server.calls(path) == [body]
        assert sent.wa_id == "3EB0AA"
        assert sent.sent_at.tzinfo

    scene()


@pytest.mark.parametrize(
    ("kind", "mime_type"),
    [
        (Capability.VIDEO, "video/mp4"),
        (Capability.AUDIO, "audio/ogg; codecs=opus"),
        (Capability.STICKER, "image/webp"),
    ],
)
def test_the_gateway_takes_every_kind_of_file(engine, gateway_server, ref, kind, mime_type):
    @live
    async def scene():
        async with paired(engine, gateway_server, ref) as (connection, _):
            await connection.send(OutgoingMedia("3EB0AA", FRIEND, kind, b"x", mime_type))

        assert list(gateway_server.user(ref.session_id).sent) == ["3EB0AA"]

    scene()


@pytest.mark.parametrize(
    "message",
    [OutgoingEdit("3EB0AA", FRIEND, THEIRS, "x"), OutgoingRevoke("3EB0AA", FRIEND, THEIRS)],
)
def test_other_peoples_messages_can_not_be_changed(engine, gateway_server, ref, message):
    @live
    async def scene():
        async with paired(engine, gateway_server, ref) as (connection, _):
            with pytest.raises(EngineError, match="itself"):
                await connection.send(message)

        assert gateway_server.calls("/chat/send/edit") == []
        assert gateway_server.calls("/chat/delete") == []

    scene()


@live
async def test_typing_is_shown_before_a_text(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        connection.configure(Options(typing=True))
        await connection.send(OutgoingText("3EB0AA", FRIEND, "Hello"))

    assert recorder.of(events.TypingShown) == [events.TypingShown(FRIEND)]
    paths = [path for _, path, _, _ in gateway_server.requests]
    assert paths.index("/chat/presence") < paths.index("/chat/send/text")
    assert gateway_server.calls("/chat/presence") == [
        {"Phone": FRIEND, "State": "composing", "Media": ""}
    ]


@live
async def test_messages_are_marked_as_read_when_the_session_does_so(
    engine, gateway_server, ref
):
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        gateway_server.write(ref.session_id, "Unread")
        await recorder.wait_for(events.MessageReceived)
        connection.configure(Options(auto_read=True))
        wa_id = gateway_server.write(ref.session_id, "Read me")
        read = await recorder.wait_for(events.MessagesRead)

    assert (read.chat, read.wa_ids) == (FRIEND, (wa_id,))
    assert gateway_server.calls("/chat/markread") == [
        {"Id": [wa_id], "ChatPhone": FRIEND, "SenderPhone": FRIEND}
    ]


@live
async def test_a_refused_courtesy_stops_nothing(engine, gateway_server, ref):
    gateway_server.fail("/chat/presence", "error", status=500, text="no")
    gateway_server.fail("/chat/markread", "error", status=500, text="no")
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        connection.configure(Options(auto_read=True, typing=True))
        await connection.send(OutgoingText("3EB0AA", FRIEND, "Hello"))
        gateway_server.write(ref.session_id, "Hello yourself")
        await recorder.wait_for(events.MessageReceived)

    assert recorder.of(events.TypingShown) == recorder.of(events.MessagesRead) == []


@live
async def test_numbers_are_looked_up_in_order(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, _):
        checks = await connection.check_numbers(["15550100129", "15550100120"])

    assert checks == [
        NumberCheck("15550100129", True, "15550100129@s.whatsapp.net", "Shop"),
        NumberCheck("15550100120", False, "15550100120@s.whatsapp.net"),
    ]


PERSON = {"Found": True, "FullName": "Ann", "PushName": "A"}


@pytest.mark.parametrize(
    "people",
    [
        {"15550100123:2@s.whatsapp.net": PERSON, "nonsense": PERSON},
        [{"JID": FRIEND, **PERSON}, {"JID": FRIEND, **PERSON}, "nonsense"],
        [{"jid": FRIEND, "fullname": "Ann", "pushname": "A"}],
    ],
    ids=["map", "list", "lower-case"],
)
def test_address_books_of_all_shapes_are_read(engine, gateway_server, ref, people):
    @live
    async def scene():
        gateway_server.people = people
        async with paired(engine, gateway_server, ref) as (connection, _):
            pages = [page async for page in connection.contacts(page_size=10)]

        [[entry]] = pages
        assert (entry.jid, entry.name, entry.phone) == (FRIEND, "Ann", "15550100123")
        assert (entry.push_name, entry.raw) == ("A", {"FullName": "Ann", "PushName": "A"})

    scene()


@live
async def test_a_file_is_fetched_by_its_reference(engine, gateway_server, ref):
    gateway_server.files["a2V5"] = b"\xff\xd8 a picture"
    async with paired(engine, gateway_server, ref) as (connection, recorder):
        gateway_server.happen(ref.session_id, shapes.image(size=12))
        media = (await recorder.wait_for(events.MessageReceived)).media
        data = await connection.fetch_media(media.reference, max_bytes=100)

    assert data == b"\xff\xd8 a picture"
    [asked] = gateway_server.calls("/chat/downloadimage")
    assert asked["FileLength"] == 12
    assert "download" not in asked


@pytest.mark.parametrize(
    ("size", "stored", "code"),
    [
        (101, b"x", "media_too_large"),
        (3, b"x" * 101, "media_too_large"),
        (3, b"x" * 200_000, "media_too_large"),
        (3, None, "media_gone"),
        (3, b"", "no_file"),
    ],
    ids=["said-large", "is-large", "is-huge", "gone", "empty"],
)
def test_a_file_that_can_not_be_had(engine, gateway_server, ref, size, stored, code):
    key = base64.b64encode(b"key").decode()
    reference = {"download": "image", "MediaKey": key, "Mimetype": "", "FileLength": size}
    if stored is not None:
        gateway_server.files[key] = stored

    @live
    async def scene():
        async with paired(engine, gateway_server, ref) as (connection, _):
            with pytest.raises(EngineError) as refused:
                await connection.fetch_media(reference, max_bytes=100)

        assert refused.value.code == code
        assert not refused.value.retryable

    scene()


@live
async def test_a_reference_of_another_engine_names_no_file(engine, gateway_server, ref):
    async with paired(engine, gateway_server, ref) as (connection, _):
        with pytest.raises(EngineError, match="names no file"):
            await connection.fetch_media({"download": "../../admin"}, max_bytes=100)
