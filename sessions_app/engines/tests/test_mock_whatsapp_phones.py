"""Phones talk to a real client without a second one: they hold keys of their own."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.neonize
ALICE = "5511900000001"
CHARLIE = "5511900000003"


@pytest.fixture
def alice(link):
    return link(ALICE)


@pytest.fixture
def charlie(whatsapp):
    return whatsapp.phone(CHARLIE)


def test_a_phone_and_a_client_text_both_ways(alice, charlie, whatsapp):
    sent = charlie.send_text(whatsapp.phone(ALICE).lid, "hello")
    assert alice.wait("Message")["Info"]["ID"] == sent
    assert charlie.wait_receipt().message_id == sent

    answer = alice.order("reply", to_message=sent, text="hello yourself")
    heard = charlie.wait_message()
    assert (heard.message_id, heard.sender, heard.text) == (answer, ALICE, "hello yourself")


def test_a_phone_says_what_it_got_and_read(alice, charlie):
    sent = alice.order("send_text", to=charlie.jid, text="hello")
    charlie.read(charlie.wait_message())

    delivered, read = alice.wait("Receipt"), alice.wait("Receipt")
    assert (delivered["Type"], delivered["MessageIDs"]) == ("DELIVERED", [sent])
    assert (read["Type"], read["MessageIDs"]) == ("READ", [sent])


def test_a_client_sees_what_its_own_phone_writes(alice, charlie, whatsapp):
    sent = whatsapp.phone(ALICE).send_text(charlie.lid, "from my phone")

    heard = alice.wait("Message")

    assert heard["Info"]["ID"] == sent
    assert heard["Info"]["MessageSource"]["IsFromMe"] is True
    assert charlie.wait_message().text == "from my phone"


def test_a_phone_sees_what_its_own_client_writes(alice, charlie, whatsapp):
    alice.order("send_text", to=charlie.jid, text="from my computer")

    heard = whatsapp.phone(ALICE).wait_message()

    assert (heard.sender, heard.text) == (ALICE, "from my computer")


def test_typing_is_shown(alice, charlie, whatsapp):
    charlie.type(whatsapp.phone(ALICE).lid)
    assert alice.wait("ChatPresence")["State"] == "COMPOSING"

    alice.order("type", to=charlie.jid)
    assert charlie.wait_typing() == (ALICE, "composing")


def test_presence_is_shown_to_who_watches(alice, charlie):
    alice.order("watch", jid=charlie.jid)
    alice.order("on_whatsapp", number=f"+{CHARLIE}")  # the server has heard the first by now
    charlie.show_presence("unavailable")

    assert alice.wait("Presence")["Unavailable"] is True


def test_a_phone_writes_to_a_group(alice, charlie, whatsapp):
    group = whatsapp.group("Friends", charlie, whatsapp.phone(ALICE))

    charlie.send_text(group, "hello all")

    heard = alice.wait("Message", lambda event: "conversation" in event["Message"])
    assert heard["Message"]["conversation"] == "hello all"
    alice.order("send_text", to=group, text="hello Charlie")
    assert charlie.wait_message().text == "hello Charlie"


def test_a_phone_hands_over_past_chats(alice, charlie, whatsapp):
    from sessions_app.engines.tests.mock_whatsapp.history import Chat

    whatsapp.phone(ALICE).send_history(Chat(charlie.jid, "Charlie", ["first", "second"]))

    (chat,) = alice.wait("HistorySync")["Data"]["conversations"]
    texts = [one["message"]["message"]["conversation"] for one in chat["messages"]]
    assert (chat["ID"], texts) == (charlie.jid, ["first", "second"])
