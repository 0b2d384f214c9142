"""How sends end."""

from datetime import timedelta

import pytest

from sessions_app.messaging.services import outcomes, receipts
from sessions_app.messaging.services.outcomes import Failed, Sent, Unknown
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import ADA, NOON, make_message, receipt, reported
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(seconds=5)


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


def record(*ended):
    return outcomes.record(outcomes=list(ended), now=LATER)


def events():
    return list(reported().values_list("name", flat=True))


def counters(session):
    session.refresh_from_db()
    return session.messages_sent, session.messages_failed


def test_a_sent_message_has_its_time_and_is_counted(session):
    message = make_message(session)

    moved = record(Sent(message.public_id, message.wa_id, NOON))

    message.refresh_from_db()
    assert moved == 1
    assert (message.status, message.sent_at) == (MessageStatus.SENT, NOON)
    assert counters(session) == (1, 0)
    assert session.last_activity_at == LATER
    event = reported().get()
    assert event.name == "message.sent"
    assert event.payload == {
        "session_id": session.public_id,
        "message_id": message.public_id,
        "chat": ADA,
        "wa_id": message.wa_id,
        "sent_at": NOON.isoformat(),
    }


def test_the_engines_id_is_kept_when_we_gave_none(session):
    message = make_message(session, wa_id="")

    record(Sent(message.public_id, "ENGINE1", NOON))

    message.refresh_from_db()
    assert message.wa_id == "ENGINE1"


def test_a_failed_message_says_why(session):
    message = make_message(session)

    record(Failed(message.public_id, "The number is not on WhatsApp.\x00" + "x" * 400))

    message.refresh_from_db()
    assert message.status == MessageStatus.FAILED
    assert message.error.startswith("The number is not on WhatsApp.xxx")
    assert len(message.error) == 300
    assert counters(session) == (0, 1)
    assert reported().get().payload["error"] == message.error


def test_an_unknown_outcome_may_still_turn_out_well(session):
    message = make_message(session)

    record(Unknown(message.public_id, "The connection broke."))
    record(Sent(message.public_id, message.wa_id, NOON))

    message.refresh_from_db()
    assert (message.status, message.error) == (MessageStatus.SENT, "")
    assert counters(session) == (1, 0)
    assert events() == ["message.unknown", "message.sent"]


def test_an_outcome_after_a_receipt_keeps_the_later_state(session):
    message = make_message(session)
    receipts.apply(receipts=[(session, receipt(message, kind="read", at=LATER))], now=LATER)

    moved = record(Sent(message.public_id, message.wa_id, NOON))

    message.refresh_from_db()
    assert moved == 0
    assert (message.status, message.sent_at) == (MessageStatus.READ, NOON)
    assert message.read_at == LATER
    assert counters(session) == (1, 0)
    assert events() == ["message.read"]


@pytest.mark.parametrize("late", [Failed, Unknown])
def test_a_read_message_did_not_fail(session, late):
    message = make_message(session, status=MessageStatus.READ)

    assert record(late(message.public_id, "timeout")) == 0

    message.refresh_from_db()
    assert (message.status, message.error) == (MessageStatus.READ, "")
    assert counters(session) == (0, 0)
    assert events() == []


def test_a_receipt_proves_a_failure_wrong(session):
    message = make_message(session)
    record(Failed(message.public_id, "timeout"))

    receipts.apply(receipts=[(session, receipt(message, kind="delivered"))], now=LATER)

    message.refresh_from_db()
    assert (message.status, message.error) == (MessageStatus.DELIVERED, "")
    assert counters(session) == (1, 0)


def test_an_outcome_that_comes_twice_counts_once(session):
    message = make_message(session)
    sent = Sent(message.public_id, message.wa_id, NOON)

    assert [record(sent, sent), record(sent)] == [1, 0]

    assert counters(session) == (1, 0)
    assert events() == ["message.sent"]


def test_an_outcome_of_a_message_that_is_gone_is_ignored(session):
    message = make_message(session)

    assert record(Sent("msg_gone", "X", NOON)) == 0

    message.refresh_from_db()
    assert message.status == MessageStatus.QUEUED


def test_each_session_of_a_batch_has_its_own_counters(session):
    other = make_session(status=SessionStatus.CONNECTED)
    mine = [make_message(session) for _ in range(3)]
    theirs = make_message(other)

    record(
        *(Sent(message.public_id, message.wa_id, NOON) for message in mine),
        Failed(theirs.public_id, "no"),
    )

    assert (counters(session), counters(other)) == ((3, 0), (0, 1))


@pytest.mark.parametrize("size", [1, 200])
def test_the_number_of_statements_does_not_grow(session, size, django_assert_num_queries):
    messages = [make_message(session) for _ in range(size)]
    ended = [Sent(message.public_id, message.wa_id, NOON) for message in messages]

    with django_assert_num_queries(5):  # lock, messages, session, kinds, events
        record(*ended)
