"""Receipts move messages forward, in whatever order they come."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from sessions_app.messaging.models import Message
from sessions_app.messaging.services import outcomes, receipts
from sessions_app.messaging.states import TRANSITIONS, Direction, MessageStatus
from sessions_app.messaging.tests.factories import NOON, make_message, receipt, reported
from sessions_app.models import Command
from sessions_app.states import CommandKind, CommandState, SessionStatus
from sessions_app.tests.factories import make_session

LATER = NOON + timedelta(seconds=5)


@pytest.fixture
def session(db):
    return make_session(status=SessionStatus.CONNECTED)


def apply(session, *acknowledged):
    return receipts.apply(receipts=[(session, one) for one in acknowledged], now=LATER)


def test_a_delivered_message_has_its_time(session):
    message = make_message(session, status=MessageStatus.SENT)

    assert apply(session, receipt(message, kind="delivered", at=LATER)) == 1

    message.refresh_from_db()
    assert (message.status, message.delivered_at) == (MessageStatus.DELIVERED, LATER)
    assert message.read_at is None
    event = reported().get()
    assert (event.name, event.shard) == ("message.delivered", f"session:{session.public_id}")
    assert event.payload == {
        "session_id": session.public_id,
        "message_id": message.public_id,
        "chat": message.chat,
        "wa_id": message.wa_id,
    }


def test_a_read_message_was_delivered_too(session):
    message = make_message(session, status=MessageStatus.SENT)

    apply(session, receipt(message, kind="read", at=LATER))

    message.refresh_from_db()
    assert message.status == MessageStatus.READ
    assert (message.delivered_at, message.read_at) == (LATER, LATER)


@pytest.mark.parametrize("kind", ["delivered", "read"])
@pytest.mark.parametrize("status", MessageStatus)
def test_only_steps_of_the_table_are_made(session, status, kind):
    message = make_message(session, status=status)
    new = MessageStatus(kind.upper())
    legal = new in TRANSITIONS[status]

    moved = apply(session, receipt(message, kind=kind))

    message.refresh_from_db()
    assert moved == int(legal)
    assert message.status == (new if legal else status)
    assert reported().count() == int(legal)


def test_a_late_delivery_does_not_undo_a_reading(session):
    message = make_message(session, status=MessageStatus.SENT)

    moved = apply(
        session,
        receipt(message, kind="read", at=NOON),
        receipt(message, kind="delivered", at=LATER),
        receipt(message, kind="read", at=LATER),
    )

    message.refresh_from_db()
    assert moved == 1
    assert (message.status, message.read_at) == (MessageStatus.READ, NOON)
    assert message.delivered_at == NOON


def test_both_steps_of_one_batch_are_reported_in_order(session):
    message = make_message(session, status=MessageStatus.SENT)

    moved = apply(session, receipt(message, kind="delivered"), receipt(message, kind="read"))

    names = reported().values_list("name", flat=True)
    assert moved == 2
    assert list(names) == ["message.delivered", "message.read"]


def test_receipts_of_unknown_messages_are_ignored(session):
    other = make_session(status=SessionStatus.CONNECTED)
    foreign = make_message(other, status=MessageStatus.SENT)
    inbound = make_message(
        session, status=MessageStatus.RECEIVED, direction=Direction.INBOUND, wa_id="IN1"
    )
    nameless = make_message(session, wa_id="")

    moved = apply(session, receipt(foreign, inbound, nameless, kind="read"))

    assert moved == 0
    for message in (foreign, inbound, nameless):
        before = message.status
        message.refresh_from_db()
        assert message.status == before
    assert not reported().exists()


def test_one_id_in_two_sessions_means_two_messages(session):
    other = make_session(status=SessionStatus.CONNECTED)
    mine = make_message(session, status=MessageStatus.SENT, wa_id="SAME")
    theirs = make_message(other, status=MessageStatus.SENT, wa_id="SAME")

    apply(session, receipt(mine, kind="read"))

    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.status, theirs.status) == (MessageStatus.READ, MessageStatus.SENT)


def test_a_receipt_settles_a_send_that_nobody_knew_of(session):
    message, other = (make_message(session, status=MessageStatus.UNKNOWN) for _ in range(2))
    sends = [
        Command.objects.create(
            tenant_id=session.tenant_id,
            session=session,
            kind=CommandKind.SEND,
            state=CommandState.UNKNOWN,
            payload={"message_id": one.public_id},
            created_at=NOON,
        )
        for one in (message, other)
    ]

    apply(session, receipt(message, kind="delivered"))

    states = [Command.objects.get(pk=send.pk).state for send in sends]
    assert states == [CommandState.DONE, CommandState.UNKNOWN]


@pytest.mark.parametrize("size", [1, 200])
def test_the_number_of_statements_does_not_grow(session, size, django_assert_num_queries):
    sent = [make_message(session, status=MessageStatus.SENT) for _ in range(size)]
    acknowledged = [receipt(message, kind="delivered") for message in sent]

    with django_assert_num_queries(3):  # lock, messages, events
        apply(session, *acknowledged)


STEPS = st.lists(
    st.sampled_from(["sent", "failed", "unknown", "delivered", "read"]), max_size=8
)
RANK = {"QUEUED": 0, "UNKNOWN": 1, "SENT": 2, "FAILED": 2, "DELIVERED": 3, "READ": 4}


class AnyOrder(TestCase):
    """Outcomes and receipts in every order, alone or in batches."""

    @settings(max_examples=60, deadline=None)
    @given(steps=STEPS)
    def test_no_order_moves_a_message_back(self, steps):
        session = make_session(status=SessionStatus.CONNECTED)
        message = make_message(session)
        seen = [message.status]

        for step in steps:
            play(session, message, step)
            message.refresh_from_db()
            seen.append(message.status)

        ranks = [RANK[status] for status in seen]
        assert ranks == sorted(ranks)
        assert seen[-1] == expected(steps)
        session.refresh_from_db()
        assert session.messages_sent == (seen[-1] in {"SENT", "DELIVERED", "READ"})
        assert session.messages_failed == (seen[-1] == "FAILED")

    @settings(max_examples=30, deadline=None)
    @given(kinds=st.lists(st.sampled_from(["delivered", "read"]), max_size=6))
    def test_a_batch_ends_where_single_receipts_end(self, kinds):
        session = make_session(status=SessionStatus.CONNECTED)
        alone, batched = make_message(session), make_message(session)

        for kind in kinds:
            apply(session, receipt(alone, kind=kind))
        apply(session, *(receipt(batched, kind=kind) for kind in kinds))

        alone.refresh_from_db()
        batched.refresh_from_db()
        assert alone.status == batched.status


def play(session, message, step):
    match step:
        case "sent":
            ended = outcomes.Sent(message.public_id, message.wa_id, NOON)
        case "failed":
            ended = outcomes.Failed(message.public_id, "no")
        case "unknown":
            ended = outcomes.Unknown(message.public_id, "who knows")
        case _:
            apply(session, receipt(message, kind=step))
            return
    outcomes.record(outcomes=[ended], now=LATER)


def expected(steps):
    """Say where the steps lead, by the rule instead of the table: the best news counts."""
    for news in ("read", "delivered"):
        if news in steps:
            return news.upper()
    firm = [step for step in steps if step in {"sent", "failed"}]
    if firm:
        return firm[0].upper()
    return "UNKNOWN" if steps else "QUEUED"


@pytest.mark.django_db(transaction=True)
def test_receipts_and_outcomes_that_race_lose_nothing(race):
    session = make_session(status=SessionStatus.CONNECTED)
    messages = [make_message(session) for _ in range(60)]
    steps = iter(["sent", "delivered", "read", "sent", "delivered", "read"])

    def report():
        step = next(steps)
        if step == "sent":
            ended = [outcomes.Sent(one.public_id, one.wa_id, NOON) for one in messages]
            return outcomes.record(outcomes=ended, now=LATER)
        backwards = reversed(messages)
        return apply(session, *(receipt(one, kind=step) for one in backwards))

    moved = race(6, report)

    statuses = set(Message.objects.values_list("status", flat=True))
    assert statuses == {MessageStatus.READ}
    assert not Message.objects.filter(sent_at=None).exists()
    assert reported().filter(name="message.read").count() == 60
    assert reported().count() == sum(moved)
    session.refresh_from_db()
    assert session.messages_sent == 60
