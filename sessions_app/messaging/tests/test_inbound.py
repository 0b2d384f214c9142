"""What people write arrives once."""

import pytest

from sessions_app.contacts.models import Contact
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import inbound
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.messaging.tests.factories import ADA, NOON, received, reported
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session

GROUP = "120363025246125486@g.us"


@pytest.fixture
def session(db):
    return make_session(status=SessionStatus.CONNECTED)


def record(session, *messages):
    return inbound.record(received=[(session, message) for message in messages], now=NOON)


def test_a_message_is_kept_and_reported(session):
    assert record(session, received("WA1", text="hello\x00 there")) == 1

    message = Message.objects.get()
    assert (message.session, message.tenant) == (session, session.tenant)
    assert (message.direction, message.status) == (Direction.INBOUND, MessageStatus.RECEIVED)
    assert (message.chat, message.sender, message.wa_id) == (ADA, ADA, "WA1")
    assert (message.text, message.sent_at) == ("hello there", NOON)
    event = reported().get()
    assert (event.name, event.shard) == ("message.received", f"session:{session.public_id}")
    assert event.payload == {
        "session_id": session.public_id,
        "message_id": message.public_id,
        "chat": ADA,
        "wa_id": "WA1",
        "sender": ADA,
        "kind": "text",
        "text": "hello there",
        "quoted_wa_id": "",
        "media": None,
        "sent_at": NOON.isoformat(),
        "push_name": "Ada",
    }
    session.refresh_from_db()
    assert session.last_activity_at == NOON


def test_an_event_carries_the_beginning_of_a_long_text(session):
    record(session, received(text="x" * 10_000))

    assert len(Message.objects.get().text) == 10_000
    assert len(reported().get().payload["text"]) == 4_096


def test_a_repeat_in_one_batch_is_one_message(session):
    assert record(session, received("WA1"), received("WA2"), received("WA1")) == 2

    ids = Message.objects.order_by("pk").values_list("wa_id", flat=True)
    assert list(ids) == ["WA1", "WA2"]
    assert reported().count() == 2


def test_a_repeat_in_a_later_batch_is_one_message(session):
    record(session, received("WA1"))

    assert record(session, received("WA1", text="again"), received("WA2")) == 1

    texts = Message.objects.order_by("pk").values_list("text", flat=True)
    assert list(texts) == ["hi", "hi"]
    assert reported().count() == 2


def test_a_batch_of_repeats_only_changes_nothing(session):
    record(session, received("WA1"))

    assert record(session, received("WA1", push_name="Eve")) == 0

    assert Message.objects.count() == 1
    assert reported().count() == 1
    assert Contact.objects.get().push_name == "Ada"


def test_one_id_in_another_session_or_chat_is_another_message(session):
    other = make_session(status=SessionStatus.CONNECTED)

    record(session, received("WA1"), received("WA1", chat=GROUP))
    record(other, received("WA1"))

    assert Message.objects.count() == 3


def test_messages_keep_the_order_of_their_arrival(session):
    record(session, *(received(f"WA{number}") for number in (3, 1, 2)))

    ids = Message.objects.order_by("pk").values_list("wa_id", flat=True)
    events = reported().values_list("payload__wa_id", flat=True)
    assert list(ids) == list(events) == ["WA3", "WA1", "WA2"]


def test_who_writes_to_a_group_becomes_a_contact_and_the_group_does_not(session):
    record(session, received("WA1", chat=GROUP))

    assert list(Contact.objects.values_list("jid", flat=True)) == [ADA]


def test_text_that_postgresql_refuses_is_cleaned(session):
    record(session, received(text="\ud83d half \x00", push_name="A\x00da\udfff"))

    assert Message.objects.get().text == " half "
    assert Contact.objects.get().push_name == "Ada"
    assert reported().get().payload["push_name"] == "Ada"


@pytest.mark.django_db
def test_a_message_of_somebody_beyond_the_plans_contacts_is_stored_all_the_same():
    session = make_session(tenant=make_customer(contacts=0), status=SessionStatus.CONNECTED)

    assert inbound.record(received=[(session, received())], now=NOON) == 1

    assert Message.objects.get().text == "hi"
    assert not session.contacts.exists()


@pytest.mark.parametrize("size", [1, 500])
def test_the_number_of_statements_does_not_grow(session, size, django_assert_num_queries):
    sessions = [session, make_session(status=SessionStatus.CONNECTED)]
    batch = [
        (
            sessions[number % 2],
            received(f"WA{number}", sender=f"1555010{number:04}@s.whatsapp.net"),
        )
        for number in range(size)
    ]

    # who is who, messages, which are new, plans (three), contacts, sessions, events
    with django_assert_num_queries(9):
        assert inbound.record(received=batch, now=NOON) == size


@pytest.mark.django_db(transaction=True)
def test_two_runners_with_the_same_messages_keep_one_of_each(race):
    session = make_session(status=SessionStatus.CONNECTED)
    batch = [(session, received(f"WA{number}")) for number in range(50)]

    counts = race(2, lambda: inbound.record(received=batch, now=NOON))

    assert sum(counts) == 50
    assert Message.objects.count() == 50
    assert reported().count() == 50
    assert Contact.objects.count() == 1
