"""WhatsApp's events become ours: the protobufs are real, WhatsApp is not needed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sessions_app.engines import events
from sessions_app.engines.content import MessageKind, ReceiptKind
from sessions_app.engines.tests.neonize_protos import (
    LID,
    PHONE,
    HistorySync,
    content,
    e2e,
    jid,
    message,
    pb,
    translate,
)

pytestmark = [pytest.mark.neonize, pytest.mark.xdist_group("neonize")]

OWN = "15550100001@s.whatsapp.net"
GROUP = "120363000000000001@g.us"
AT = datetime.fromtimestamp(1_795_348_800, tz=UTC)
WHO = events.IdentityMapped(lid=LID, phone="15550100123")
KEY = {"remoteJID": LID, "fromMe": False, "ID": "OLD"}


def translated(event):
    return translate.translate(event, own=OWN)


def received(body, **source):
    """What a message becomes, besides who wrote it."""
    found = translated(message(body, **source))
    assert len(found) <= 2
    return found[-1] if found else None


class TestMessages:
    def test_a_text_has_its_writer_with_lid_and_phone_number(self):
        who, text = translated(message(e2e.Message(conversation="Hi @123")))

        assert who == WHO
        assert text == events.MessageReceived(
            "WA1", LID, LID, "Hi @123", AT, push_name="Maria", phone="15550100123"
        )

    def test_a_writer_may_stay_without_a_phone_number(self):
        (text,) = translated(message(e2e.Message(conversation="Hi"), alt=""))

        assert (text.sender, text.phone) == (LID, "")

    def test_a_group_message_names_group_and_writer(self):
        text = received(e2e.Message(conversation="Hi"), chat=GROUP, group=True)

        assert (text.chat, text.sender) == (GROUP, LID)

    def test_what_the_account_wrote_elsewhere_is_its_own(self):
        assert received(e2e.Message(conversation="Hi"), from_me=True).from_me

    def test_a_reply_names_what_it_answers(self):
        context = e2e.ContextInfo(stanzaID="OLD")
        body = e2e.ExtendedTextMessage(text="Yes", contextInfo=context)

        reply = received(e2e.Message(extendedTextMessage=body))

        assert (reply.text, reply.quoted_wa_id) == ("Yes", "OLD")

    @pytest.mark.parametrize(
        "wrapper", ["ephemeralMessage", "viewOnceMessageV2", "documentWithCaptionMessage"]
    )
    def test_envelopes_are_opened(self, wrapper):
        inner = e2e.FutureProofMessage(message=e2e.Message(conversation="Hi"))

        assert received(e2e.Message(**{wrapper: inner})).text == "Hi"

    def test_a_file_can_be_fetched_from_whatsapp_alone(self):
        image = e2e.ImageMessage(
            URL="http://10.0.0.1/",
            directPath="/v/photo",
            mediaKey=b"key",
            fileSHA256=b"plain",
            fileEncSHA256=b"encrypted",
            fileLength=512,
            mimetype="image/jpeg",
            caption="Look",
        )

        photo = received(e2e.Message(imageMessage=image))

        assert (photo.kind, photo.text) == (MessageKind.IMAGE, "Look")
        assert (photo.media.mime_type, photo.media.size) == ("image/jpeg", 512)
        image.ClearField("URL")
        for field in ("mimetype", "caption"):
            image.ClearField(field)
        assert content.to_download(photo.media.reference).imageMessage == image

    @pytest.mark.parametrize("path", ["@evil.example/x", "", None])
    def test_a_file_elsewhere_is_not_fetched(self, path):
        reference = {"kind": "image", "direct_path": path, "media_key": ""}
        with pytest.raises(ValueError, match="reference"):
            content.to_download(reference)

    @pytest.mark.parametrize(
        ("body", "kind", "text"),
        [
            ({"locationMessage": {"name": "Office"}}, MessageKind.LOCATION, "Office"),
            ({"contactMessage": {"displayName": "Ana"}}, MessageKind.CONTACT, "Ana"),
            ({"pollCreationMessage": {"name": "When?"}}, MessageKind.POLL, "When?"),
            ({"orderMessage": {"orderID": "1"}}, MessageKind.OTHER, ""),
        ],
    )
    def test_other_kinds_are_named(self, body, kind, text):
        ((name, fields),) = body.items()
        full = e2e.Message()
        for field, value in fields.items():
            setattr(getattr(full, name), field, value)

        found = received(full)

        assert (found.kind, found.text) == (kind, text)

    def test_an_undecryptable_message_leaves_its_place(self):
        info = message(e2e.Message()).Info
        lost = pb.UndecryptableMessage(Info=info, IsUnavailable=False, DecryptFailMode=1)

        _, found = translated(lost)

        assert (found.wa_id, found.text, found.undecryptable) == ("WA1", "", True)

    def test_what_keeps_clients_in_step_is_no_message(self):
        protocol = e2e.ProtocolMessage(type=e2e.ProtocolMessage.APP_STATE_SYNC_KEY_SHARE)

        assert translated(message(e2e.Message(protocolMessage=protocol))) == [WHO]

    def test_status_updates_are_not_messages_to_this_account(self):
        status = message(e2e.Message(conversation="Hi"), chat="status@broadcast")

        assert translated(status) == []


class TestChanges:
    def test_a_reaction_names_its_target(self):
        reaction = e2e.ReactionMessage(key=KEY, text="👍")

        found = received(e2e.Message(reactionMessage=reaction))

        assert found == events.ReactionReceived(LID, LID, "OLD", "👍", AT)

    def test_an_edit_has_the_new_text(self):
        edit = e2e.ProtocolMessage(
            key=KEY,
            type=e2e.ProtocolMessage.MESSAGE_EDIT,
            editedMessage=e2e.Message(conversation="Better"),
        )

        found = received(e2e.Message(protocolMessage=edit))

        assert found == events.MessageEdited(LID, LID, "OLD", "Better", AT)

    def test_a_revoked_message_is_named(self):
        revoke = e2e.ProtocolMessage(key=KEY, type=e2e.ProtocolMessage.REVOKE)

        found = received(e2e.Message(protocolMessage=revoke))

        assert found == events.MessageRevoked(LID, LID, "OLD", AT)


def receipt(kind, **source):
    return pb.Receipt(
        MessageSource=message(e2e.Message(), **source).Info.MessageSource,
        MessageIDs=["WA1"],
        Timestamp=1_795_348_800,
        Type=kind,
    )


class TestReceipts:
    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [
            (pb.Receipt.DELIVERED, ReceiptKind.DELIVERED),
            (pb.Receipt.INACTIVE, ReceiptKind.DELIVERED),
            (pb.Receipt.READ, ReceiptKind.READ),
            (pb.Receipt.PLAYED, ReceiptKind.READ),
        ],
    )
    def test_a_receipt_moves_a_message_on(self, theirs, ours):
        assert translated(receipt(theirs)) == [events.ReceiptReceived(("WA1",), ours, AT)]

    def test_what_was_read_on_the_phone_is_read(self):
        read = translated(receipt(pb.Receipt.READ_SELF, from_me=True))

        assert read == [events.MessagesRead(LID, ("WA1",), AT)]

    @pytest.mark.parametrize("kind", [pb.Receipt.RETRY, pb.Receipt.SENDER])
    def test_the_clients_own_affairs_are_no_receipts(self, kind):
        assert translated(receipt(kind)) == []


class TestStream:
    @pytest.mark.parametrize(
        ("reason", "event"),
        [
            (pb.LOGGED_OUT, events.LoggedOut("WhatsApp no longer knows the device (401).")),
            (pb.MAIN_DEVICE_GONE, events.ConnectFailed("403")),
            (pb.UNKNOWN_LOGOUT, events.ConnectFailed("406")),
        ],
    )
    def test_a_device_that_is_refused_at_the_door_says_why(self, reason, event):
        assert translated(pb.LoggedOut(OnConnect=True, Reason=reason)) == [event]

    def test_a_device_that_is_removed_is_logged_out(self):
        removed = pb.LoggedOut(OnConnect=False, Reason=pb.LOGGED_OUT)

        assert translated(removed) == [events.LoggedOut("The phone removed the device.")]

    def test_a_ban_has_whatsapps_code_and_an_end(self):
        ban = pb.TemporaryBan(Code=pb.TemporaryBan.BROADCAST_LIST, Expire=3600)

        (found,) = translated(ban)

        assert found.code == 106
        assert 3590 < (found.expires_at - datetime.now(UTC)).total_seconds() <= 3600

    def test_an_old_client_is_refused_for_good(self):
        assert translated(pb.ClientOutdated()) == [events.ConnectFailed("405")]
        assert translate.login_status("err-client-outdated") == [events.ConnectFailed("405")]

    def test_a_login_ends_as_whatsapp_says(self):
        assert translate.login_status("success") == []
        assert translate.login_status("timeout") == [events.PairingTimedOut()]
        (passkey,) = translate.login_status("passkey-request")
        assert passkey.options == {}
        (failed,) = translate.login_status("err-unexpected-state")
        assert isinstance(failed, events.PairingFailed)

    def test_a_silent_stream_is_degraded_until_it_answers(self):
        silent = pb.KeepAliveTimeout(ErrorCount=2, LastSuccess=1)

        assert translated(silent) == [events.Degraded("2 pings without an answer.")]
        assert translated(pb.KeepAliveRestored()) == [events.Connected(OWN)]

    def test_a_stranger_on_the_line_changes_nothing(self):
        assert translate.translate(pb.JoinedGroup(), own=OWN) == []


def test_history_comes_in_chunks_and_tells_who_is_who():
    data = HistorySync(syncType=HistorySync.INITIAL_BOOTSTRAP)
    data.phoneNumberToLidMappings.add(pnJID=PHONE, lidJID=LID)
    chat = data.conversations.add(ID=LID)
    for number in range(250):
        old = chat.messages.add().message
        old.key.ID, old.key.fromMe = f"WA{number}", number == 0
        old.message.conversation, old.messageTimestamp = "Hi", 1_795_348_800

    who, *chunks = translated(pb.HistorySync(Data=data))

    assert who == WHO
    assert [len(chunk.messages) for chunk in chunks] == [100, 100, 50]
    assert [one.sender for one in chunks[0].messages[:2]] == [OWN, LID]


def test_a_contacts_new_security_code_is_told():
    change = pb.IdentityChange(JID=jid(LID), Timestamp=1, Implicit=False)

    assert translated(change) == [events.IdentityChanged(LID)]
