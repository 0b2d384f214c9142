"""What is accepted, and what that leaves behind."""

import re

import pytest

from sessions_app.messaging.models import Message
from sessions_app.messaging.services import sending
from sessions_app.messaging.services.sending import Draft
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.messaging.tests.factories import ADA, NOON, reported
from sessions_app.models import Command
from sessions_app.states import CommandKind, SessionStatus
from sessions_app.tests.factories import make_session
from subscriptions import selectors as subscriptions

pytestmark = pytest.mark.django_db

READY = [SessionStatus.STARTING, SessionStatus.CONNECTED, SessionStatus.DISCONNECTED]


def accept(session, *drafts):
    return sending.accept_messages(session=session, drafts=list(drafts), now=NOON)


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


def test_a_message_waits_in_the_queue_with_its_command_and_event(session):
    (message,) = accept(session, Draft("+1 555 010 0123", "hello"))

    message.refresh_from_db()
    assert (message.direction, message.status) == (Direction.OUTBOUND, MessageStatus.QUEUED)
    assert (message.chat, message.sender, message.text) == (ADA, session.jid, "hello")
    assert message.created_at == NOON
    command = Command.objects.get()
    assert (command.session, command.kind) == (session, CommandKind.SEND)
    assert command.payload == {
        "kind": "text",
        "new_chat": True,
        "message_id": message.public_id,
        "to": ADA,
        "text": "hello",
        "wa_id": message.wa_id,
    }
    event = reported().get()
    assert (event.name, event.shard) == ("message.queued", f"session:{session.public_id}")
    assert event.payload == {
        "session_id": session.public_id,
        "message_id": message.public_id,
        "chat": ADA,
        "wa_id": message.wa_id,
        "text": "hello",
    }


def test_the_id_on_whatsapps_side_is_chosen_here(session):
    (message,) = accept(session, Draft(ADA, "hello"))

    assert re.fullmatch("3EB0[0-9A-F]{18}", message.wa_id)


def test_an_engine_that_takes_no_ids_of_ours_chooses_it(session, monkeypatch):
    session.engine = "not offered here"

    first, second = accept(session, Draft(ADA, "one"), Draft(ADA, "two"))

    assert (first.wa_id, second.wa_id) == ("", "")


def test_many_messages_keep_their_order(session):
    drafts = [Draft(f"+1 555 010 {number:04}", f"text {number}") for number in range(20)]

    messages = accept(session, *drafts)

    texts = [draft.text for draft in drafts]
    assert [message.text for message in messages] == texts
    assert list(Message.objects.order_by("pk").values_list("text", flat=True)) == texts
    commands = Command.objects.order_by("pk").values_list("payload__text", flat=True)
    assert list(commands) == texts


@pytest.mark.parametrize("status", READY)
def test_a_session_on_its_way_to_the_connection_accepts(status):
    session = make_session(status=status, jid=ADA)

    assert len(accept(session, Draft(ADA, "hello"))) == 1


ACCEPTING = {*READY, SessionStatus.DEGRADED, SessionStatus.RESTRICTED}


@pytest.mark.parametrize(
    "status", [status for status in SessionStatus if status not in ACCEPTING]
)
def test_any_other_session_refuses_and_keeps_nothing(status):
    session = make_session(status=status, jid=ADA)

    with pytest.raises(sending.SessionNotReady):
        accept(session, Draft(ADA, "hello"))

    assert_nothing_is_left()


def test_a_session_that_was_never_paired_refuses():
    session = make_session(status=SessionStatus.STARTING, jid="")

    with pytest.raises(sending.SessionNotReady, match="scan its QR code"):
        accept(session, Draft(ADA, "hello"))

    assert_nothing_is_left()


@pytest.mark.parametrize("to", ["", "alice", "5550100", "status@broadcast", "1555\x000100123"])
def test_one_bad_recipient_refuses_all_of_them(session, to):
    with pytest.raises(sending.InvalidRecipient) as refusal:
        accept(session, Draft(ADA, "hello"), Draft(to, "hello"))

    assert refusal.value.details == {"index": 1}
    assert_nothing_is_left()


@pytest.mark.parametrize("text", ["", " \n", "x" * 65_537, "null \x00", "half a letter \ud800"])
def test_one_bad_text_refuses_all_of_them(session, text):
    with pytest.raises(sending.InvalidText) as refusal:
        accept(session, Draft(ADA, "hello"), Draft(ADA, text))

    assert refusal.value.details == {"index": 1}
    assert_nothing_is_left()


def test_the_longest_text_is_accepted(session):
    (message,) = accept(session, Draft(ADA, "é" * 65_536))

    message.refresh_from_db()
    assert message.text == "é" * 65_536
    assert len(reported().get().payload["text"]) == 4_096


@pytest.mark.parametrize("size", [0, 501])
def test_a_batch_has_one_to_five_hundred_messages(session, size):
    with pytest.raises(sending.InvalidBatch):
        accept(session, *[Draft(ADA, "hello")] * size)

    assert_nothing_is_left()


@pytest.mark.parametrize("size", [1, 500])
def test_the_number_of_statements_does_not_grow(session, size, django_assert_num_queries):
    subscriptions.entitlements_for(tenant=session.tenant, now=NOON)

    # Who is who and which chats are new, the quota and a savepoint around it; messages,
    # commands, events and another one.
    with django_assert_num_queries(10):
        accept(session, *[Draft(ADA, "hello")] * size)


def assert_nothing_is_left():
    assert not Message.objects.exists()
    assert not Command.objects.exists()
    assert not reported().exists()
