"""Two tenants write to each other, with WhatsApp's own encryption, through the API."""

import pytest

from sessions_app.contacts.models import Contact
from sessions_app.messaging import tasks
from sessions_app.messaging.models import Reaction
from sessions_app.runner.tests.neonize.rig import ANN, BEN, EVE, linked, reaches
from sessions_app.runner.tests.test_runner import eventually

pytestmark = [
    pytest.mark.neonize,
    pytest.mark.xdist_group("neonize"),
    pytest.mark.django_db(transaction=True),
]


def test_two_tenants_talk_both_ways_and_receipts_come_back(ann, ben):
    with linked(ann, ben):
        question = ann.send(to=f"+{BEN}", text="Are you open, @15550100123? 👋")
        heard = ben.wait_received("Are you open, @15550100123? 👋")
        reaches(question, "DELIVERED")
        ben.send(reply_to=heard.public_id, text="Yes")
        answer = ann.wait_received("Yes")
        ben.phone.read(ben.phone.wait_message())
        reaches(question, "READ")

    assert heard.wa_id == answer.quoted_wa_id == question.wa_id
    assert heard.sender == ann.phone.lid
    assert question.sent_at <= question.delivered_at <= question.read_at


def test_a_message_is_reacted_to_edited_and_revoked(ann, ben):
    with linked(ann, ben):
        sent = ann.send(to=f"+{BEN}", text="Helo")
        heard = ben.wait_received("Helo")
        reaches(sent, "DELIVERED")
        ben.send(kind="reaction", message=heard.public_id, emoji="👍")
        ann.send(kind="edit", message=sent.public_id, text="Hello")
        ben.wait_received("Hello")
        eventually(lambda: Reaction.objects.filter(message=sent).exists())
        ann.send(kind="revoke", message=sent.public_id)
        eventually(lambda: ben.inbound().exclude(revoked_at=None).exists())

    reaction = Reaction.objects.get(message=sent)
    heard.refresh_from_db()
    assert (reaction.emoji, reaction.sender) == ("👍", ben.phone.lid)
    assert heard.edited_at <= heard.revoked_at


def test_a_session_types_and_reads_by_itself_when_it_shall(make_shop):
    ann = make_shop(ANN, typing_enabled=True)
    ben = make_shop(BEN, auto_read_enabled=True)

    with linked(ann, ben):
        sent = ann.send(to=f"+{BEN}", text="Hello")
        typing = ben.phone.wait_typing()
        reaches(sent, "READ")
        eventually(lambda: ben.inbound().exclude(read_at=None).exists())

    assert typing == (ANN, "composing")


def test_a_file_that_comes_in_is_recorded(ann, whatsapp):
    from pyaileys.proto import WAProto_pb2 as proto

    picture = proto.Message.ImageMessage(
        mimetype="image/jpeg", caption="Our shop", fileLength=48_213, directPath="/v/1.enc"
    )
    with linked(ann):
        whatsapp.phone(BEN).send(ann.phone.jid, proto.Message(imageMessage=picture))
        heard = ann.wait_received("Our shop")

    assert heard.kind == "image"
    assert (heard.media["mime_type"], heard.media["size"]) == ("image/jpeg", 48_213)
    assert '"/v/1.enc"' in heard.media_reference


def test_a_group_is_heard_and_written_to(ann, whatsapp):
    ben, eve = whatsapp.phone(BEN), whatsapp.phone(EVE)

    with linked(ann):
        group = whatsapp.group("Team", ann.phone, ben, eve)
        ben.send_text(group, "Good morning")
        heard = ann.wait_received("Good morning")
        eve.wait_message()
        sent = ann.send(to=group, text="Hello team")
        at_bens, at_eves = ben.wait_message(), eve.wait_message()
        reaches(sent, "DELIVERED")

    assert (heard.chat, heard.sender) == (group, ben.lid)
    assert (at_bens.text, at_bens.chat, at_bens.sender) == ("Hello team", group, ANN)
    assert at_eves.text == "Hello team"


def test_the_history_comes_to_a_session_that_keeps_one(make_shop, whatsapp):
    from sessions_app.engines.tests.mock_whatsapp.history import Chat

    keeps, drops = make_shop(ANN, history_limit=10), make_shop(BEN)
    past = Chat(whatsapp.phone(EVE).lid, "Eve", ["Hi", "Still there?"])

    with linked(keeps, drops):
        for shop in (drops, keeps):
            shop.phone.send_history(past)
            whatsapp.phone(EVE).send_text(shop.phone.jid, "Now")
        keeps.wait_received("Hi", "Still there?", "Now")
        drops.wait_received("Now")

    assert {one.read_at is None for one in keeps.inbound().exclude(text="Now")} == {False}


def test_a_number_and_its_lid_are_one_person(ann, whatsapp):
    ben = whatsapp.phone(BEN)

    with linked(ann):
        sent = ann.send(to=f"+{BEN}", text="Hello")
        ben.wait_message()
        ben.send_text(ann.phone.jid, "Hi")
        heard = ann.wait_received("Hi")
    tasks.move_chats(session_id=ann.session.public_id)

    sent.refresh_from_db()
    assert sent.chat == heard.chat == ben.lid
    (person,) = Contact.objects.filter(session=ann.session)
    (shown,) = ann.get("contacts?sync=false")["contacts"]
    assert (person.jid, person.phone) == (ben.lid, BEN)
    assert {one["kind"]: one["value"] for one in shown["identities"]} == {
        "LID": ben.lid,
        "PHONE": BEN,
    }
