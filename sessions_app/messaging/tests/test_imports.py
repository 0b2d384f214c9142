"""What is older than the pairing has its place before it, whenever it arrives."""

from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key
from sessions_app.engines.events import HistoryReceived
from sessions_app.messaging import selectors
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import history, imports, inbound
from sessions_app.messaging.tests.factories import ADA, NOON, received
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

BOB = "15550100999@s.whatsapp.net"


@pytest.fixture
def session(db):
    return make_session(status=SessionStatus.CONNECTED, history_limit=100)


def old(wa_id, *, days, **fields):
    return received(wa_id, sent_at=NOON - timedelta(days=days), text=wa_id, **fields)


def keep(session, *messages):
    return imports.record_history(received=[(session, HistoryReceived(messages))], now=NOON)


def hear(session, wa_id, **fields):
    inbound.record(received=[(session, received(wa_id, text=wa_id, **fields))], now=NOON)


def listed(session, **query):
    """Return what the API lists, page by page, newest first."""
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(session.tenant).text)
    texts, cursor = [], {}
    while cursor is not None:
        address = f"/v1/sessions/{session.public_id}/messages"
        page = client.get(address, {"limit": 2, **query, **cursor}).json()
        texts += [message["text"] for message in page["messages"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    return texts


def test_a_chat_reads_in_the_order_in_which_it_was_written(session):
    hear(session, "live 1")
    keep(session, old("day 2", days=2), old("day 1", days=1))
    hear(session, "live 2")
    keep(session, old("day 9", days=9), old("day 3", days=3))

    in_order = ["live 2", "live 1", "day 1", "day 2", "day 3", "day 9"]
    assert listed(session, chat=ADA) == in_order
    assert listed(session) == in_order


def test_messages_of_one_second_all_stay_in_the_order_of_their_chunk(session):
    words = [f"word {number}" for number in range(5)]

    assert keep(session, *(old(word, days=1) for word in words)) == 5

    assert listed(session) == words[::-1]


def test_the_chat_list_shows_what_was_written_last(session):
    hear(session, "live")
    keep(session, old("long ago", days=9), old("to bob", days=1, sender=BOB))

    chats = selectors.chats_of(session)

    assert [(message.chat, message.text) for message in chats] == [
        (ADA, "live"),
        (BOB, "to bob"),
    ]


def test_the_oldest_leave_first(session):
    hear(session, "live")
    keep(session, old("day 1", days=1), old("day 2", days=2))

    history.prune(session_id=session.pk, limit=2)

    assert listed(session) == ["live", "day 1"]


@pytest.mark.parametrize(
    "moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), NOON]
)
def test_a_time_that_makes_no_sense_has_a_place_too(session, moment):
    hear(session, "live")

    assert keep(session, received("odd", text="odd", sent_at=moment)) == 1

    assert Message.objects.order_by("pk").first().text == "odd"
