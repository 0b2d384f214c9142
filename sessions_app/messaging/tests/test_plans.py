"""Statements over a batch read an index, and not a chat for each of its messages."""

import pytest
from django.db import connection

from sessions_app.engines.events import MessageReceived, MessagesRead
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import inbound, moving, targets
from sessions_app.messaging.tests.factories import NOON
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

GROUP = "120363025246125486@g.us"
OLD = "15550100123@s.whatsapp.net"
LID = "123456789012345@lid"
SIZE = 3_000


@pytest.fixture
def session(db):
    """A session with one long chat and one busy group."""
    made = make_session(status=SessionStatus.CONNECTED)
    Message.objects.bulk_create(
        Message(
            tenant_id=made.tenant_id,
            session=made,
            direction="INBOUND",
            chat=chat,
            sender=OLD if chat == OLD else f"{number % 300}@lid",
            wa_id=f"WA{number}",
            status="RECEIVED",
            created_at=NOON,
        )
        for chat in (OLD, GROUP)
        for number in range(SIZE)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_message")
    return made


def plan(statement, values):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # a few thousand rows are no proof
        cursor.execute(f"EXPLAIN {statement}", values)
        return "\n".join(row[0] for row in cursor.fetchall())


def conditions(explained, index):
    """Return what each use of the index is limited by."""
    lines = explained.splitlines()
    return [
        lines[place + 1]
        for place, line in enumerate(lines)
        if f"using {index}" in line or f"Index Scan on {index}" in line
    ]


def test_messages_to_move_are_found_in_the_order_of_their_indexes(session):
    explained = plan(
        moving._FIND, {"session_id": session.pk, "old": OLD, "batch": moving.BATCH}
    )

    assert "messaging_message_pkey" not in explained
    assert "message_of_chat" in explained
    assert "message_by_member" in explained


def test_a_twin_is_found_by_all_that_names_a_message(session):
    ids = list(Message.objects.filter(chat=OLD).values_list("pk", flat=True)[:1_000])

    explained = plan(moving._DROP, {"old": OLD, "new": LID, "ids": ids})

    (probe,) = conditions(explained, "inbound_once")
    assert all(column in probe for column in ("session_id", "chat", "sender", "wa_id"))


def test_a_message_that_comes_again_is_found_by_all_that_names_it(session):
    columns = [[session.pk] * 200, ["INBOUND"] * 200, [GROUP] * 200]
    columns += [["1@lid"] * 200, [f"WA{number}" for number in range(200)]]

    explained = plan(inbound._LOCK_PLACEHOLDERS, columns)

    (probe,) = conditions(explained, "inbound_once")
    assert all(column in probe for column in ("session_id", "chat", "sender", "wa_id"))


def test_a_batch_of_changes_reads_each_chat_once(session):
    names = [f"WA{number}" for number in range(200)]

    explained = plan(targets._LOCK, [[session.pk] * 200, [GROUP] * 200, names])

    (scan,) = conditions(explained, "inbound_once")
    assert "wa_id)::text = ANY" in scan


def test_what_came_again_is_not_taken_for_something_else(session):
    ours = MessageReceived("WA1", GROUP, session.jid, "hi", NOON, from_me=True)
    inbound.record(received=[(session, ours)], now=NOON)
    Message.objects.filter(direction="OUTBOUND").update(undecryptable=True)
    again = MessageReceived("WA1", GROUP, "1@lid", "hi", NOON)

    assert inbound.record(received=[(session, again)], now=NOON) == 0
    assert inbound.record(received=[(session, ours)], now=NOON) == 1
    read = [(session, MessagesRead(GROUP, ("WA1", "WA2"), NOON))]
    assert inbound.mark_read(read=read) == 2
