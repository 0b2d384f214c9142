"""Every useful webhook becomes an event of ours; the others become nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sessions_app.engines import events
from sessions_app.engines.content import MessageKind, ReceiptKind
from sessions_app.engines.tests.fake_gateway import shapes
from sessions_app.engines.wuzapi.json import moment
from sessions_app.engines.wuzapi.translate import HISTORY_CHUNK, traffic

OWN = "15550200042@s.whatsapp.net"
LID = "99887766@lid"
PHONE = "15550100123@s.whatsapp.net"
GROUP = "120363041234567890@g.us"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STAMP = "2026-01-02T03:04:05Z"


def heard(event):
    return traffic(event, own_jid=OWN)


def one(event):
    [found] = heard(event)
    return found


def message(content, chat=PHONE, sender=PHONE, **info):
    return shapes.message("3EB0AA", chat, sender, content, **({"Timestamp": STAMP} | info))


def test_a_text_from_a_phone_number():
    assert one(message({"conversation": "Hello"}, sender="15550100123:4@s.whatsapp.net")) == (
        events.MessageReceived(
            wa_id="3EB0AA",
            chat=PHONE,
            sender=PHONE,
            text="Hello",
            sent_at=AT,
            push_name="Friend",
            phone="15550100123",
        )
    )


def test_a_lid_with_its_number_tells_that_they_are_one():
    identity, text = heard(message({"conversation": "Hi"}, LID, LID, SenderAlt=PHONE))

    assert identity == events.IdentityMapped(lid=LID, phone="15550100123")
    assert (text.chat, text.sender, text.phone) == (LID, LID, "15550100123")


def test_a_lid_alone_is_no_phone_number():
    text = one(message({"conversation": "Hi"}, LID, LID))

    assert text.phone == ""


def test_what_the_phone_wrote_itself_is_from_me():
    identity, text = heard(
        message({"conversation": "Hi"}, LID, OWN, IsFromMe=True, RecipientAlt=PHONE)
    )

    assert identity == events.IdentityMapped(lid=LID, phone="15550100123")
    assert text.from_me
    assert (text.chat, text.sender) == (LID, OWN)


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ({"extendedTextMessage": {"text": "Hello"}}, MessageKind.TEXT, "Hello"),
        ({"ephemeralMessage": {"message": {"conversation": "x"}}}, MessageKind.TEXT, "x"),
        ({"groupMentionedMessage": {"message": {"conversation": "x"}}}, MessageKind.TEXT, "x"),
        (shapes.image("Look"), MessageKind.IMAGE, "Look"),
        ({"viewOnceMessageV2": {"message": shapes.image()}}, MessageKind.IMAGE, ""),
        ({"videoMessage": {"mimetype": "video/mp4"}}, MessageKind.VIDEO, ""),
        ({"audioMessage": {"mimetype": "audio/ogg", "seconds": 3}}, MessageKind.AUDIO, ""),
        ({"documentMessage": {"fileName": "a.pdf"}}, MessageKind.DOCUMENT, ""),
        ({"stickerMessage": {"mimetype": "image/webp"}}, MessageKind.STICKER, ""),
        ({"locationMessage": {"name": "Park"}}, MessageKind.LOCATION, "Park"),
        ({"contactMessage": {"displayName": "Ann"}}, MessageKind.CONTACT, "Ann"),
        ({"pollCreationMessageV3": {"name": "Tea?"}}, MessageKind.POLL, "Tea?"),
        ({"somethingOfNextYear": {"a": 1}}, MessageKind.OTHER, ""),
    ],
)
def test_what_messages_are_made_of(content, kind, text):
    received = one(message(content))

    assert (received.kind, received.text) == (kind, text)


def test_a_file_brings_what_fetching_it_needs():
    media = one(message(shapes.image(size=1234))).media

    assert (media.mime_type, media.size) == ("image/jpeg", 1234)
    assert media.reference["download"] == "image"
    assert media.reference["MediaKey"] == "a2V5"
    assert "a2V5" not in repr(media)


def test_a_reply_names_what_it_answers():
    reply = {"extendedTextMessage": {"text": "Yes", "contextInfo": {"stanzaID": "3EB0ZZ"}}}

    assert one(message(reply)).quoted_wa_id == "3EB0ZZ"


@pytest.mark.parametrize(
    ("content", "event"),
    [
        (shapes.reaction("👍", "T"), events.ReactionReceived(PHONE, PHONE, "T", "👍", AT)),
        (shapes.reaction("", "T"), events.ReactionReceived(PHONE, PHONE, "T", "", AT)),
        (shapes.edit("New", "T"), events.MessageEdited(PHONE, PHONE, "T", "New", AT)),
        (
            {"editedMessage": {"message": shapes.edit("New", "T")}},
            events.MessageEdited(PHONE, PHONE, "T", "New", AT),
        ),
        (shapes.revoke("T"), events.MessageRevoked(PHONE, PHONE, "T", AT)),
    ],
)
def test_what_becomes_of_earlier_messages(content, event):
    assert one(message(content)) == event


def test_a_message_of_a_group_has_a_chat_and_a_sender():
    text = heard(message({"conversation": "Hi"}, GROUP, LID, SenderAlt=PHONE))[-1]

    assert (text.chat, text.sender) == (GROUP, LID)


def test_what_could_not_be_read_is_kept_a_place_for():
    event = {**message({}), "type": "UndecryptableMessage"}

    received = one(event)

    assert received.undecryptable
    assert (received.wa_id, received.chat, received.text) == ("3EB0AA", PHONE, "")


@pytest.mark.parametrize(
    ("state", "event"),
    [
        ("Delivered", events.ReceiptReceived(("A", "B"), ReceiptKind.DELIVERED, AT)),
        ("Read", events.ReceiptReceived(("A", "B"), ReceiptKind.READ, AT)),
        ("ReadSelf", events.MessagesRead(PHONE, ("A", "B"), AT)),
    ],
)
def test_receipts(state, event):
    assert one(shapes.receipt(state, ["A", "B"], PHONE, Timestamp=STAMP)) == event


def test_that_our_other_device_got_a_message_is_no_delivery():
    assert heard(shapes.receipt("Delivered", ["A"], PHONE, IsFromMe=True)) == []


@pytest.mark.parametrize(
    ("kind", "event", "told"),
    [
        (
            "ChatPresence",
            {"Chat": PHONE, "State": "composing"},
            events.PresenceChanged(PHONE, "composing"),
        ),
        ("Presence", {"From": LID}, events.PresenceChanged(LID, "available")),
        (
            "Presence",
            {"From": LID, "Unavailable": True},
            events.PresenceChanged(LID, "unavailable"),
        ),
        ("IdentityChange", {"JID": LID}, events.IdentityChanged(LID)),
    ],
)
def test_what_people_do(kind, event, told):
    assert one({"type": kind, "event": event}) == told


def old(wa_id, text="Long ago", *, from_me=False, **more):
    key = {"ID": wa_id, "fromMe": from_me, "remoteJID": PHONE}
    return {
        "message": {
            "key": key,
            "message": {"conversation": text},
            "messageTimestamp": 1767323045,
            **more,
        }
    }


def history(*messages, chat=PHONE):
    conversation = {"ID": chat, "messages": list(messages)}
    return {"type": "HistorySync", "event": {"Data": {"conversations": [conversation]}}}


def test_history_names_its_authors():
    [theirs, ours] = one(history(old("A"), old("B", from_me=True))).messages

    assert (theirs.wa_id, theirs.sender, theirs.sent_at) == ("A", PHONE, AT)
    assert (ours.wa_id, ours.sender, ours.from_me) == ("B", OWN, True)


def test_history_of_a_group_names_who_wrote():
    told = one(history(old("A", participant=LID), chat=GROUP)).messages[0]

    assert (told.chat, told.sender) == (GROUP, LID)


def test_long_history_comes_in_chunks():
    chunks = heard(history(*(old(f"A{number}") for number in range(HISTORY_CHUNK + 1))))

    assert [len(chunk.messages) for chunk in chunks] == [HISTORY_CHUNK, 1]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "Message"},
        {"type": "Message", "event": "text"},
        {"type": "Message", "event": {"Info": {"ID": "A", "Chat": "nonsense"}}},
        {"type": "Message", "event": {"Info": [], "Message": []}},
        message({"senderKeyDistributionMessage": {"groupID": GROUP}}, GROUP),
        message({"placeholderMessage": {"type": 0}}),
        message({"protocolMessage": {"type": 6}}),
        message({"conversation": "a picture for a day"}, "status@broadcast"),
        {"type": "MessageSent", "event": {"Id": "A"}},
        {"type": "ReadReceipt", "state": "Inactive", "event": {"MessageIDs": ["A"]}},
        {"type": "ReadReceipt", "event": {"MessageIDs": "A"}},
        {"type": "ChatPresence", "event": {"Chat": PHONE, "State": "dancing"}},
        {"type": "HistorySync", "event": {"Data": {"conversations": [None, {"ID": PHONE}]}}},
        {"type": "CallOffer", "event": {}},
        {"type": "SomethingNew", "event": {"a": 1}},
    ],
)
def test_what_tells_us_nothing_becomes_nothing(event):
    assert heard(event) == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-02T03:04:05Z", AT),
        ("2026-01-02T03:04:05.123456789Z", AT.replace(microsecond=123456)),
        ("2026-01-02T05:04:05+02:00", AT),
        (1767323045, AT),
        ("1767323045", AT),
        ("0001-01-01T00:00:00Z", None),
        ("2026-01-02T03:04:05", None),
        ("yesterday", None),
        (10**30, None),
        ("", None),
        (None, None),
    ],
)
def test_times_are_read_however_they_are_written(written, meant):
    assert moment({"Timestamp": written}, "timestamp") == meant
