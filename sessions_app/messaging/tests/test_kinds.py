"""What comes in besides texts, what the account writes elsewhere, and what is older."""

from datetime import timedelta

import pytest

from sessions_app.contacts.models import Contact
from sessions_app.engines.content import Media, MessageKind
from sessions_app.engines.events import HistoryReceived
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import imports, inbound
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.messaging.tests.factories import ADA, NOON, make_message, received, reported
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session
from subscriptions import selectors as subscriptions

KEY = "key-of-the-file"


@pytest.fixture
def session(db):
    return make_session(status=SessionStatus.CONNECTED)


def record(session, *messages):
    return inbound.record(received=[(session, message) for message in messages], now=NOON)


def keep(session, *messages):
    return imports.record_history(received=[(session, HistoryReceived(messages))], now=NOON)


def test_a_file_is_kept_with_what_is_known_of_it_and_its_key_is_sealed(session):
    media = Media("image/jpeg", 1234, "cat.jpg", reference={"key": KEY})

    record(session, received(kind=MessageKind.IMAGE, media=media, quoted_wa_id="WA0"))

    message = Message.objects.get()
    assert (message.kind, message.quoted_wa_id) == ("image", "WA0")
    assert message.media == {
        "mime_type": "image/jpeg",
        "size": 1234,
        "file_name": "cat.jpg",
        "seconds": 0,
    }
    assert KEY in message.media_reference
    assert KEY not in str(reported().get().payload)


def test_what_can_not_be_read_is_reported_once_it_can(session):
    assert record(session, received(text="", undecryptable=True)) == 1
    assert record(session, received(text="", undecryptable=True)) == 0

    assert record(session, received(text="hello")) == 1
    assert record(session, received(text="hello")) == 0

    message = Message.objects.get()
    assert (message.text, message.undecryptable) == ("hello", False)
    names = [event.name for event in reported()]
    assert names == ["message.undecryptable", "message.received"]


def test_what_was_written_on_the_phone_is_ours_and_counts_nothing(session):
    lid = "999999999999999@lid"

    record(session, received("WA1", chat=ADA, sender=lid, from_me=True))

    message = Message.objects.get()
    assert (message.direction, message.status) == (Direction.OUTBOUND, MessageStatus.SENT)
    assert (message.chat, message.sender) == (ADA, session.jid)
    assert [event.name for event in reported()] == ["message.sent_elsewhere"]
    session.refresh_from_db()
    assert session.messages_sent == 0
    assert not Contact.objects.exists()


def test_hearing_of_an_unknown_send_settles_it(session):
    message = make_message(session, status=MessageStatus.UNKNOWN, wa_id="WA1")

    record(session, received("WA1", chat=ADA, sender=session.jid, from_me=True))

    message.refresh_from_db()
    assert (message.status, message.sent_at) == (MessageStatus.SENT, NOON)
    assert Message.objects.count() == 1
    assert [event.name for event in reported()] == ["message.sent"]


def test_old_messages_are_kept_in_silence_by_who_wants_them(session):
    session.history_limit = 100
    old = NOON - timedelta(days=2)

    assert keep(session, received("WA2", from_me=True), received("WA1", sent_at=old)) == 2
    assert keep(session, received("WA1", sent_at=old)) == 0

    rows = Message.objects.order_by("pk").values_list("wa_id", "created_at", "read_at")
    assert list(rows) == [("WA1", old, old), ("WA2", NOON, None)]
    assert not reported().exists()
    assert not Contact.objects.exists()


def test_who_asks_for_no_history_gets_none(session):
    assert keep(session, received("WA1")) == 0

    assert not Message.objects.exists()


def test_a_plan_bounds_what_is_imported(db):
    tenant = make_customer(now=NOON, history_days=7)
    session = make_session(tenant=tenant, status=SessionStatus.CONNECTED, history_limit=100)
    subscriptions.forget([tenant.pk])
    ages = {"WA1": 8, "WA2": 6}

    assert (
        keep(
            session,
            *(
                received(wa_id, sent_at=NOON - timedelta(days=age))
                for wa_id, age in ages.items()
            ),
        )
        == 1
    )

    assert Message.objects.get().wa_id == "WA2"
