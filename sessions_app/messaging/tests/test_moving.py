"""Messages follow a person to the LID."""

from datetime import timedelta

import pytest

from sessions_app.contacts.models import JidChange
from sessions_app.contacts.services import identities
from sessions_app.engines.events import IdentityMapped, MessagesRead
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import inbound, moving, sending
from sessions_app.messaging.tests.factories import NOON, make_message, received, reported
from sessions_app.models import Command
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

LID = "123456789012345@lid"
GROUP = "120363025246125486@g.us"
PHONE = "15550100123"
SETTLED = NOON + timedelta(minutes=5)


@pytest.fixture
def session(db):
    return make_session(status=SessionStatus.CONNECTED)


def learn(session):
    identities.learn(mapped=[(session, IdentityMapped(LID, PHONE))], now=NOON)


def record(session, *messages):
    inbound.record(received=[(session, message) for message in messages], now=NOON)


def follow(session, now=SETTLED):
    return moving.follow(session_id=session.public_id, now=now)


def test_messages_in_both_directions_and_in_groups_follow(session):
    record(session, received("WA1"), received("WA2", chat=GROUP))
    make_message(session)
    make_message(session, chat="15550100777@s.whatsapp.net")
    learn(session)

    assert follow(session) == 3

    places = Message.objects.order_by("pk").values_list("chat", "sender")
    assert list(places) == [
        (LID, LID),
        (GROUP, LID),
        (LID, session.jid),
        ("15550100777@s.whatsapp.net", session.jid),
    ]
    change = JidChange.objects.get()
    assert (change.moved, change.dropped, change.finished_at) == (3, 0, SETTLED)


def test_a_message_that_is_under_both_names_is_one(session):
    record(session, received("WA1"), received("WA1", sender=LID), received("WA2"))
    learn(session)

    assert follow(session) == 2

    assert set(Message.objects.values_list("chat", "wa_id")) == {(LID, "WA1"), (LID, "WA2")}
    assert JidChange.objects.get().dropped == 1


def test_who_is_killed_leaves_the_rest_to_the_next_run(session, monkeypatch):
    monkeypatch.setattr(moving, "BATCH", 2)
    record(session, *(received(f"WA{number}") for number in range(5)))
    learn(session)
    change = JidChange.objects.get()

    assert moving.follow_batch(change_id=change.pk, now=SETTLED) == 2
    assert moving.open_sessions(now=SETTLED) == [session.public_id]
    assert follow(session) == 3

    assert set(Message.objects.values_list("chat", flat=True)) == {LID}
    assert moving.open_sessions(now=SETTLED) == []


def test_a_change_stays_open_until_everybody_knows_of_it(session):
    learn(session)

    follow(session, now=NOON)
    assert JidChange.objects.get().finished_at is None

    follow(session)
    assert not JidChange.objects.exists()


def test_what_comes_under_the_old_name_is_filed_under_the_new_one(session):
    learn(session)

    record(session, received("WA1"), received("WA1", sender=LID))
    (message,) = sending.accept_messages(
        session=session, drafts=[sending.Draft("+1 555 010 0123", "hello")], now=NOON
    )

    assert Message.objects.exclude(chat=LID).count() == 0
    assert Message.objects.count() == 2
    assert message.chat == Command.objects.get().payload["to"] == LID


def test_a_message_that_names_both_teaches_who_is_who(session):
    record(session, received("WA1"))

    record(session, received("WA2", sender=LID, phone=PHONE))
    follow(session)

    assert set(Message.objects.values_list("chat", flat=True)) == {LID}


def test_what_was_read_before_it_followed_is_marked_too(session):
    record(session, received("WA1"), received("WA2", chat=GROUP))
    learn(session)

    read = [
        (session, MessagesRead(jid, (wa_id,), NOON))
        for jid, wa_id in [(LID, "WA1"), (f"{PHONE}@s.whatsapp.net", "WA1"), (GROUP, "WA2")]
    ]

    assert inbound.mark_read(read=read) == 2
    assert set(Message.objects.values_list("read_at", flat=True)) == {NOON}
    assert inbound.mark_read(read=read) == 0
    assert reported().filter(name="message.marked_read").count() == 2
