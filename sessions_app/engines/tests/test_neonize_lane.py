"""Real neonize clients on the mock WhatsApp: what two people see of each other."""

from __future__ import annotations

import pytest

from sessions_app.engines import events
from sessions_app.engines.base import EngineError, Options
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.content import ReceiptKind
from sessions_app.engines.outgoing import (
    OutgoingEdit,
    OutgoingMedia,
    OutgoingReaction,
    OutgoingRevoke,
    OutgoingText,
    Quoted,
)
from sessions_app.engines.tests import neonize_lane
from sessions_app.engines.tests.live import connected, live
from sessions_app.engines.tests.neonize_lane import FRIENDS_NUMBER, OWN_NUMBER

pytestmark = [pytest.mark.neonize, pytest.mark.xdist_group("neonize")]

FRIEND = f"{FRIENDS_NUMBER}@s.whatsapp.net"
PHOTO = bytes.fromhex(  # the smallest PNG
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c626001000000050001a5f645400000000049454e44ae426082"
)


@live
async def test_a_text_arrives_unchanged_and_is_answered(neonize_engine, whatsapp):
    async with neonize_lane.two_sessions(whatsapp, neonize_engine) as (
        ours,
        we_hear,
        theirs,
        they_hear,
    ):
        sent = await ours.send(OutgoingText("msg_1", FRIEND, "Ask @15550100123 👋"))
        text = await they_hear.wait_for(events.MessageReceived)
        quoted = Quoted(text.wa_id, text.sender, text=text.text)
        await theirs.send(OutgoingText("msg_2", text.chat, "Done", quoted))
        answer = await we_hear.wait_for(events.MessageReceived)

    assert (text.wa_id, text.text) == (sent.wa_id, "Ask @15550100123 👋")
    assert text.chat == text.sender == whatsapp.phone(OWN_NUMBER).lid
    assert text.phone == OWN_NUMBER
    assert events.IdentityMapped(lid=text.sender, phone=OWN_NUMBER) in they_hear.events
    assert (answer.text, answer.quoted_wa_id) == ("Done", sent.wa_id)


@live
async def test_a_message_is_reacted_to_edited_and_revoked(neonize_engine, whatsapp):
    async with neonize_lane.two_sessions(whatsapp, neonize_engine) as (ours, _, _, they_hear):
        sent = await ours.send(OutgoingText("msg_1", FRIEND, "Helo"))
        target = Quoted(sent.wa_id, FRIEND, from_me=True)
        await ours.send(OutgoingReaction("msg_2", FRIEND, target, "👍"))
        await ours.send(OutgoingEdit("msg_3", FRIEND, target, "Hello"))
        await ours.send(OutgoingRevoke("msg_4", FRIEND, target))
        await they_hear.wait_for(events.MessageRevoked)

    (reaction,) = they_hear.of(events.ReactionReceived)
    (edit,) = they_hear.of(events.MessageEdited)
    (revoked,) = they_hear.of(events.MessageRevoked)
    assert (reaction.target_wa_id, reaction.emoji) == (sent.wa_id, "👍")
    assert (edit.target_wa_id, edit.text) == (sent.wa_id, "Hello")
    assert revoked.target_wa_id == sent.wa_id
    assert len(they_hear.of(events.MessageReceived)) == 1


@live
@pytest.mark.parametrize(
    ("kind", "mime_type", "caption"),
    [
        (Capability.DOCUMENT, "application/pdf", "Look"),
        (Capability.IMAGE, "image/png", "Look"),
        (Capability.VIDEO, "video/mp4", "Look"),
        (Capability.AUDIO, "audio/ogg; codecs=opus", ""),
        (Capability.STICKER, "image/webp", ""),
    ],
)
async def test_a_file_arrives_and_can_be_fetched(
    neonize_engine, whatsapp, kind, mime_type, caption
):
    file = OutgoingMedia("msg_1", FRIEND, kind, PHOTO, mime_type, "a.png", caption)
    async with neonize_lane.two_sessions(whatsapp, neonize_engine) as (
        ours,
        _,
        theirs,
        they_hear,
    ):
        await ours.send(file)
        got = await they_hear.wait_for(events.MessageReceived)
        fetched = await theirs.fetch_media(got.media.reference, max_bytes=1000)
        with pytest.raises(EngineError, match="larger"):
            await theirs.fetch_media(got.media.reference, max_bytes=10)

    assert (got.kind, got.text, got.media.mime_type) == (str(kind), caption, mime_type)
    assert fetched == PHOTO


@live
async def test_a_session_reads_and_types_by_itself_when_it_shall(neonize_engine, whatsapp):
    async with neonize_lane.two_sessions(whatsapp, neonize_engine, auto_read=True) as (
        ours,
        we_hear,
        _,
        they_hear,
    ):
        ours.configure(Options(typing=True))
        sent = await ours.send(OutgoingText("msg_1", FRIEND, "Hello"))
        read = await they_hear.wait_for(events.MessagesRead)
        await we_hear.wait_for_receipts(ReceiptKind.READ, [sent.wa_id])

    assert read.wa_ids == (sent.wa_id,)
    assert we_hear.of(events.TypingShown) == [events.TypingShown(FRIEND)]


@live
async def test_a_session_pairs_by_code(neonize_engine, whatsapp):
    async with connected(neonize_engine, neonize_lane.new_ref()) as (connection, recorder):
        await recorder.wait_for(events.ChallengeIssued)
        pairing = await connection.pair_with_code(OWN_NUMBER)
        whatsapp.phone(OWN_NUMBER).enter_code(pairing.code)
        up = await recorder.wait_for(events.Connected)

    assert up.jid == f"{OWN_NUMBER}@s.whatsapp.net"


@live
async def test_numbers_are_looked_up_in_order(neonize_engine, whatsapp):
    whatsapp.phone(FRIENDS_NUMBER)
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref) as (connection, _):
        nobody, friend = await connection.check_numbers(["15550100999", FRIENDS_NUMBER])

    assert (nobody.phone, nobody.exists, nobody.jid) == ("15550100999", False, "")
    assert (friend.phone, friend.exists) == (FRIENDS_NUMBER, True)
    assert friend.jid == whatsapp.phone(FRIENDS_NUMBER).lid


@live
async def test_two_tenants_never_get_each_others_device(neonize_engine, whatsapp):
    mine, yours, nobodys = (neonize_lane.new_ref() for _ in range(3))
    async with neonize_lane.paired(whatsapp, neonize_engine, mine, OWN_NUMBER):
        pass
    async with neonize_lane.paired(whatsapp, neonize_engine, yours, FRIENDS_NUMBER):
        pass
    async with connected(neonize_engine, mine) as (_, recorder):
        my_jid = (await recorder.wait_for(events.Connected)).jid
    async with connected(neonize_engine, yours) as (_, recorder):
        your_jid = (await recorder.wait_for(events.Connected)).jid
    async with connected(neonize_engine, nobodys) as (_, recorder):
        await recorder.wait_for(events.ChallengeIssued)
    neonize_engine.purge(mine)
    async with connected(neonize_engine, mine) as (_, purged):
        await purged.wait_for(events.ChallengeIssued)

    assert my_jid == f"{OWN_NUMBER}@s.whatsapp.net"
    assert your_jid == FRIEND
    assert recorder.of(events.Connected) == purged.of(events.Connected) == []


@live
async def test_a_group_is_a_chat_like_any_other(neonize_engine, whatsapp):
    friend = whatsapp.phone(FRIENDS_NUMBER)
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref) as (ours, we_hear):
        group = whatsapp.group("Team", whatsapp.phone(OWN_NUMBER), friend)
        friend.send_text(group, "Good morning")
        heard = await we_hear.wait_for(events.MessageReceived)
        quoted = Quoted(heard.wa_id, heard.sender, text=heard.text)
        await ours.send(OutgoingText("msg_1", group, "Hello", quoted))
        answer = friend.wait_message()
        await ours.send(OutgoingReaction("msg_2", group, quoted, "👍"))
        reaction = friend.wait_message().message.reactionMessage

    assert (heard.chat, heard.sender, heard.phone) == (group, friend.lid, FRIENDS_NUMBER)
    assert (answer.text, answer.chat) == ("Hello", group)
    assert (reaction.key.id, reaction.text) == (heard.wa_id, "👍")


@live
async def test_past_chats_are_told_once_and_apart_from_messages(neonize_engine, whatsapp):
    from sessions_app.engines.tests.mock_whatsapp.history import Chat

    friend = whatsapp.phone(FRIENDS_NUMBER)
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref) as (_, we_hear):
        past = Chat(friend.lid, "Friend", ["Hi", "Still there?"])
        whatsapp.phone(OWN_NUMBER).send_history(past)
        old = await we_hear.wait_for(events.HistoryReceived)

    assert [(one.chat, one.text) for one in old.messages] == [
        (friend.lid, "Hi"),
        (friend.lid, "Still there?"),
    ]
    assert we_hear.of(events.MessageReceived) == []


@live
async def test_who_types_is_seen(neonize_engine, whatsapp):
    friend = whatsapp.phone(FRIENDS_NUMBER)
    ref = neonize_lane.new_ref()
    async with neonize_lane.paired(whatsapp, neonize_engine, ref) as (_, we_hear):
        friend.type(whatsapp.phone(OWN_NUMBER).jid)
        seen = await we_hear.wait_for(events.PresenceChanged)

    assert seen == events.PresenceChanged(friend.lid, "composing")
