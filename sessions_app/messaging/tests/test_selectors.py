"""Lists of messages stay fast when there are many."""

from datetime import date, timedelta

import pytest
from django.db import connection

from sessions_app.messaging import selectors
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.messaging.tests.factories import ADA, NOON, make_message
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db

BEN = "15550100124@s.whatsapp.net"


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


@pytest.fixture
def crowded(session):
    """A hundred sessions with 200 messages in 10 chats each, written by turns."""
    others = [make_session(tenant=session.tenant) for _ in range(99)]
    Message.objects.bulk_create(
        Message(
            tenant_id=owner.tenant_id,
            session=owner,
            direction=Direction.OUTBOUND,
            chat=f"1555010{number % 10:04}@s.whatsapp.net",
            sender=ADA,
            wa_id=f"W{number}",
            text="x",
            status=MessageStatus.SENT,
            created_at=NOON + timedelta(minutes=number),
        )
        for number in range(200)
        for owner in [session, *others]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_message")
    return session


def test_filters_narrow_the_list(session):
    mine = make_message(session, status=MessageStatus.READ)
    inbound = make_message(
        session, status=MessageStatus.RECEIVED, direction=Direction.INBOUND, chat=BEN
    )
    make_message(make_session(), status=MessageStatus.READ)

    assert set(selectors.messages_of(session)) == {mine, inbound}
    assert list(selectors.messages_of(session, chat=BEN)) == [inbound]
    assert list(selectors.messages_of(session, status="READ")) == [mine]
    assert list(selectors.messages_of(session, direction="INBOUND")) == [inbound]


@pytest.mark.parametrize(
    ("filters", "index"),
    [({}, "message_of_session"), ({"chat": "15550100007@s.whatsapp.net"}, "message_of_chat")],
)
def test_a_page_is_read_from_an_index(crowded, filters, index):
    middle = Message.objects.filter(session=crowded).order_by("pk")[150].pk
    page = selectors.messages_of(crowded, **filters).filter(pk__lt=middle).order_by("-pk")[:51]

    plan = page.explain()

    assert index in plan
    assert "Seq Scan" not in plan


def test_the_newest_message_of_each_chat_comes_first(session):
    make_message(session, text="old", chat=ADA)
    make_message(session, text="new", chat=ADA)
    make_message(session, text="other", chat=BEN)
    make_message(make_session(), text="foreign")

    chats = selectors.chats_of(session)

    assert [(message.chat, message.text) for message in chats] == [(BEN, "other"), (ADA, "new")]


def test_the_liveliest_chats_are_found_by_index(crowded, django_assert_num_queries):
    with django_assert_num_queries(1):
        chats = selectors.chats_of(crowded, limit=5)
        sessions = {message.session for message in chats}

    newest = Message.objects.filter(session=crowded).order_by("-pk")[:5]
    assert chats == list(newest)
    assert sessions == {crowded}
    with connection.cursor() as cursor:
        parameters = {"session_id": crowded.pk, "limit": 5}
        cursor.execute(f"EXPLAIN {selectors._NEWEST_OF_CHATS}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "message_of_chat" in plan
    assert "Seq Scan" not in plan


def test_a_session_without_messages_has_no_chats(session):
    assert selectors.chats_of(session) == []


def test_messages_are_counted_by_day_and_direction(session):
    make_message(session)
    make_message(session)
    make_message(session, direction=Direction.INBOUND, created_at=NOON + timedelta(days=1))
    make_message(session, created_at=NOON + timedelta(days=2))

    counts = selectors.volume_by_day(since=NOON, until=NOON + timedelta(days=2))

    assert counts == [(date(2026, 3, 1), "OUTBOUND", 2), (date(2026, 3, 2), "INBOUND", 1)]


def test_the_volume_is_counted_in_an_index_alone(crowded):
    days = selectors._daily(since=NOON, until=NOON + timedelta(minutes=30))

    assert "message_by_day" in days.explain()


def test_recent_messages_are_a_metric(session):
    from django.utils import timezone

    make_message(session, created_at=timezone.now(), status=MessageStatus.READ)
    make_message(session, created_at=timezone.now() - timedelta(hours=1))

    (family,) = selectors.metrics()

    assert [(sample.labels, sample.value) for sample in family.samples] == [
        ({"status": "READ"}, 1)
    ]
