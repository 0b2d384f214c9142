"""Two real clients write to each other through the mock server, encrypted from end to end."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.neonize
ALICE = "5511900000001"
BOB = "5511900000002"
BOB_JID = f"{BOB}@s.whatsapp.net"


@pytest.fixture
def alice(link):
    return link(ALICE)


@pytest.fixture
def bob(link):
    return link(BOB)


def text_of(event):
    message = event["Message"]
    return message.get("conversation") or message["extendedTextMessage"]["text"]


def test_two_clients_text_both_ways(alice, bob, whatsapp):
    sent = alice.order("send_text", to=BOB_JID, text="hello")
    heard = bob.wait("Message")

    answer = bob.order("reply", to_message=sent, text="hello yourself")
    reply = alice.wait("Message")

    assert (heard["Info"]["ID"], text_of(heard)) == (sent, "hello")
    assert (reply["Info"]["ID"], text_of(reply)) == (answer, "hello yourself")
    assert reply["Message"]["extendedTextMessage"]["contextInfo"]["stanzaID"] == sent


def test_a_sender_is_known_by_both_names(alice, bob, whatsapp):
    alice.order("send_text", to=BOB_JID, text="hello")

    source = bob.wait("Message")["Info"]["MessageSource"]

    sender, alt = source["Sender"], source["SenderAlt"]
    assert f"{sender['User']}@{sender['Server']}" == whatsapp.phone(ALICE).lid
    assert f"{alt['User']}@{alt['Server']}" == whatsapp.phone(ALICE).jid
    assert alice.order("lid_of", number=BOB_JID) == whatsapp.phone(BOB).lid


def test_a_sender_may_hide_its_number(alice, bob, whatsapp):
    whatsapp.phone(ALICE).hide_number()
    alice.order("send_text", to=BOB_JID, text="hello")

    source = bob.wait("Message")["Info"]["MessageSource"]

    assert source["Sender"]["Server"] == "lid"
    assert source["SenderAlt"]["User"] == ""


def test_a_receipt_tells_of_delivery_and_of_reading(alice, bob):
    sent = alice.order("send_text", to=BOB_JID, text="hello")
    bob.wait("Message")
    delivered = alice.wait("Receipt")
    bob.order("read", message=sent)
    read = alice.wait("Receipt", lambda receipt: receipt["Type"] == "READ")

    assert delivered["MessageIDs"] == read["MessageIDs"] == [sent]


def test_a_message_is_reacted_to_edited_and_revoked(alice, bob):
    sent = alice.order("send_text", to=BOB_JID, text="helo")
    bob.wait("Message")

    bob.order("react", to_message=sent, emoji="👍")
    alice.order("edit", chat=BOB_JID, message=sent, text="hello")
    alice.order("revoke", chat=BOB_JID, message=sent)

    reaction = alice.wait("Message")["Message"]["reactionMessage"]
    assert (reaction["key"]["ID"], reaction["text"]) == (sent, "👍")
    edit = bob.wait("Message")["Message"]["protocolMessage"]
    assert edit["editedMessage"]["conversation"] == "hello"
    revoke = bob.wait("Message")["Message"]["protocolMessage"]
    assert (revoke["key"]["ID"], revoke["type"]) == (sent, "REVOKE")


def test_typing_is_shown(alice, bob):
    alice.order("type", to=BOB_JID)

    assert bob.wait("ChatPresence")["State"] == "COMPOSING"


def test_messages_wait_for_a_client_that_is_away(link, make_client, alice):
    bob = link(BOB, store="bob.db")
    bob.kill()
    sent = alice.order("send_text", to=BOB_JID, text="hello")

    returned = make_client(jid=f"{BOB}:1@s.whatsapp.net", store="bob.db")

    assert returned.wait("Message")["Info"]["ID"] == sent
    assert returned.wait("OfflineSyncCompleted")["Count"] == 1


def test_a_message_that_was_never_acknowledged_comes_again(alice, link, make_client):
    bob = link(BOB, store="bob.db")
    bob.freeze()
    sent = alice.order("send_text", to=BOB_JID, text="hello")
    bob.kill()

    returned = make_client(jid=f"{BOB}:1@s.whatsapp.net", store="bob.db")

    assert returned.wait("Message")["Info"]["ID"] == sent


def test_a_document_is_uploaded_and_fetched(alice, bob):
    sent = alice.order("send_document", to=BOB_JID, text="forty-two", filename="answer.txt")

    document = bob.wait("Message")["Message"]["documentMessage"]

    assert document["fileName"] == "answer.txt"
    assert bob.order("download", message=sent) == "forty-two"


def test_lost_media_is_not_found(alice, bob, whatsapp):
    from sessions_app.engines.tests.mock_whatsapp.client import Refused

    sent = alice.order("send_document", to=BOB_JID, text="forty-two", filename="answer.txt")
    bob.wait("Message")
    whatsapp.media.forget_everything()

    with pytest.raises(Refused, match="404"):
        bob.order("download", message=sent)


def test_numbers_are_looked_up(alice, whatsapp):
    whatsapp.phone(BOB)

    assert alice.order("on_whatsapp", number=f"+{BOB}") is True
    assert alice.order("on_whatsapp", number="+5511999999999") is False


def test_members_of_a_group_read_what_one_writes(alice, bob, whatsapp):
    group = alice.order("create_group", subject="Friends", members=[BOB_JID])
    sent = alice.order("send_text", to=group, text="hello all")

    heard = bob.wait("Message", lambda event: "conversation" in event["Message"])

    assert alice.order("group", jid=group)["GroupName"]["Name"] == "Friends"
    assert (heard["Info"]["ID"], text_of(heard)) == (sent, "hello all")
    source = heard["Info"]["MessageSource"]
    assert f"{source['Chat']['User']}@{source['Chat']['Server']}" == group
    assert source["IsGroup"] is True


def test_members_hear_of_their_group(alice, bob, whatsapp):
    group = alice.order("create_group", subject="Friends", members=[BOB_JID])
    assert bob.wait("JoinedGroup")["GroupInfo"]["GroupName"]["Name"] == "Friends"

    whatsapp.phone("5511900000003")
    alice.order("add_to_group", jid=group, member="5511900000003@s.whatsapp.net")

    joined = bob.wait("GroupInfoEvent")["Join"]
    assert [one["Server"] for one in joined] == ["lid"]


def test_a_group_is_renamed_and_left(alice, bob, whatsapp):
    group = alice.order("create_group", subject="Friends", members=[BOB_JID])
    alice.order("rename_group", jid=group, subject="Old friends")
    bob.order("leave_group", jid=group)

    left = alice.order("group", jid=group)

    assert left["GroupName"]["Name"] == "Old friends"
    assert len(left["Participants"]) == 1
