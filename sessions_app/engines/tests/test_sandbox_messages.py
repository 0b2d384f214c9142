"""Replies, reactions, changes and files in the sandbox, in both directions."""

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError
from sessions_app.engines.content import MessageKind
from sessions_app.engines.tests.abilities import FRIEND, SENDS
from sessions_app.engines.tests.live import connected, live, paired, world

DETAILS = "SELECT message_id, kind, target, size FROM sandbox.detail WHERE session_id = %s"


@live
async def test_the_world_knows_what_each_message_was(engine, ref):
    async with paired(engine, ref) as (connection, _):
        for message in [*SENDS, *SENDS]:
            await connection.send(message)

    assert sorted(world(DETAILS, ref.session_id)) == [
        ("msg_1", "reply", "WA1", 0),
        ("msg_2", "reaction", "WA1", 0),
        ("msg_3", "edit", "msg_0", 0),
        ("msg_4", "revoke", "msg_0", 0),
        ("msg_audio", "audio", "", 1),
        ("msg_document", "document", "", 1),
        ("msg_image", "image", "", 1),
        ("msg_sticker", "sticker", "", 1),
        ("msg_video", "video", "", 1),
    ]


@live
async def test_what_old_messages_were_is_forgotten_with_them(engine, ref):
    async with paired(engine, ref) as (connection, _):
        for message in SENDS:
            await connection.send(message)
        world(
            "UPDATE sandbox.delivered SET taken_at = now() - interval '8 days'"
            " WHERE session_id = %s AND message_id <> 'msg_1'",
            ref.session_id,
        )
        await connection._hub.world.forget()

    assert world(DETAILS, ref.session_id) == [("msg_1", "reply", "WA1", 0)]


@live
async def test_somebody_reacts_changes_and_deletes(engine, ref):
    who = {"from": FRIEND, "target": "WA1"}
    async with paired(engine, ref) as (connection, recorder):
        await connection.act("reaction", {**who, "emoji": "\N{THUMBS UP SIGN}"})
        await connection.act("edit", {**who, "text": "Hallo"})
        await connection.act("revoke", who)

    (reaction,) = recorder.of(events.ReactionReceived)
    (edit,) = recorder.of(events.MessageEdited)
    (revoke,) = recorder.of(events.MessageRevoked)
    assert (reaction.sender, reaction.target_wa_id) == (FRIEND, "WA1")
    assert reaction.emoji == "\N{THUMBS UP SIGN}"
    assert (edit.target_wa_id, edit.text) == ("WA1", "Hallo")
    assert revoke.target_wa_id == "WA1"


@live
async def test_a_picture_comes_and_can_be_fetched(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        await connection.act("image", {"from": FRIEND, "caption": "Look", "id": "PIC1"})
        (message,) = recorder.of(events.MessageReceived)
        data = await connection.fetch_media(message.media.reference, max_bytes=10_000)
        with pytest.raises(EngineError, match="larger"):
            await connection.fetch_media(message.media.reference, max_bytes=10)
        with pytest.raises(EngineError) as gone:
            await connection.fetch_media({}, max_bytes=10_000)

    assert (message.kind, message.text, message.wa_id) == (MessageKind.IMAGE, "Look", "PIC1")
    assert (message.media.mime_type, message.media.size) == ("image/png", len(data))
    assert data.startswith(b"\x89PNG")
    assert gone.value.code == "media_gone"


@live
async def test_a_restriction_meets_the_next_send(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        await connection.act("fault", {"kind": "send_restricted"})
        with pytest.raises(EngineError) as refused:
            await connection.send(SENDS[0])
        await connection.send(SENDS[0])

    assert (refused.value.code, refused.value.retryable) == ("463", False)
    assert recorder.of(events.Restricted) == [events.Restricted()]


@live
async def test_a_silent_stream_is_found_by_a_probe_only(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        heard = list(recorder.events)
        await connection.act("fault", {"kind": "silent"})
        status = await connection.status()
        assert recorder.events == heard
    async with connected(engine, ref) as (connection, recorder):
        await recorder.wait_for(events.Connected)
        again = await connection.status()

    assert (status.connected, status.linked) == (False, True)
    assert again.connected


@live
async def test_a_degraded_stream_comes_back(engine, ref):
    async with paired(engine, ref) as (connection, recorder):
        await connection.act("fault", {"kind": "degraded", "seconds": 1})
        await recorder.wait_for(events.Degraded)
        await recorder.wait_for(events.Connected, count=2)


@live
@pytest.mark.parametrize("code", ["405", "503", "crash_loop"])
async def test_a_connection_is_refused_by_any_code(engine, ref, code):
    async with connected(engine, ref) as (connection, recorder):
        await connection.act("fault", {"kind": "connect_failed", "code": code})
        failed = await recorder.wait_for(events.ConnectFailed)

    assert failed.code == code


@live
async def test_a_passkey_is_asked_for_once_and_by_whichever_connection(engine, ref):
    async with connected(engine, ref) as (connection, _):
        await connection.act("fault", {"kind": "passkey"})
    async with connected(engine, ref) as (connection, recorder):
        await connection.act("scan", {})
        await recorder.wait_for(events.PasskeyRequested)
        with pytest.raises(EngineError, match="no `id`"):
            await connection.answer_passkey({})
        await connection.answer_passkey({"id": "x"})
        wanted = await recorder.wait_for(events.PasskeyConfirmation)
        with pytest.raises(EngineError, match="another code"):
            await connection.confirm_passkey("00000000")
        await connection.confirm_passkey(wanted.code)
        await recorder.wait_for(events.Connected)
        await connection.logout()
    async with connected(engine, ref) as (connection, recorder):
        await connection.act("scan", {})
        await recorder.wait_for(events.Connected)

    assert recorder.of(events.PasskeyRequested) == []


@live
async def test_a_passkey_that_nobody_answers_ends_the_pairing(make_engine, ref):
    async with connected(make_engine(speed=1000), ref) as (connection, recorder):
        await connection.act("fault", {"kind": "passkey"})
        await connection.act("scan", {})
        failed = await recorder.wait_for(events.PairingFailed)

    assert failed.reason == "Nobody answered the passkey challenge."


@live
async def test_numbers_that_end_in_9_have_no_whatsapp(engine, ref):
    async with paired(engine, ref) as (connection, _):
        found = await connection.check_numbers(["15550100123", "15550100129"])

    assert [check.exists for check in found] == [True, False]
    assert found[0].jid.endswith("@lid")
