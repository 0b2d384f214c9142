"""Sessions keep as many messages per chat as they were told to."""

import pytest

from sessions_app.messaging import tasks
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import history
from sessions_app.messaging.states import MessageStatus
from sessions_app.messaging.tests.factories import make_message
from sessions_app.states import DesiredState
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


def texts(session, **chat):
    kept = Message.objects.filter(session=session, **chat)
    return list(kept.order_by("pk").values_list("text", flat=True))


def write(session, count, **fields):
    for number in range(count):
        make_message(session, text=f"{number}", **({"status": MessageStatus.READ} | fields))


def test_the_newest_messages_of_each_chat_stay():
    session = make_session(history_limit=2)
    write(session, 4, chat="1@s.whatsapp.net")
    write(session, 3, chat="2@s.whatsapp.net")
    write(session, 1, chat="3@s.whatsapp.net")

    tasks.prune_history()

    assert texts(session, chat="1@s.whatsapp.net") == ["2", "3"]
    assert texts(session, chat="2@s.whatsapp.net") == ["1", "2"]
    assert texts(session, chat="3@s.whatsapp.net") == ["0"]


def test_without_a_limit_everything_stays_also_of_neighbors():
    endless, limited = make_session(history_limit=0), make_session(history_limit=1)
    gone = make_session(history_limit=1, desired=DesiredState.DELETED)
    for session in (endless, limited, gone):
        write(session, 3)

    tasks.prune_history()

    assert [len(texts(one)) for one in (endless, limited, gone)] == [3, 1, 3]


@pytest.mark.parametrize("status", [MessageStatus.QUEUED, MessageStatus.UNKNOWN])
def test_what_is_still_on_its_way_stays(status):
    session = make_session(history_limit=1)
    write(session, 3, status=status)

    tasks.prune_history()

    assert len(texts(session)) == 3


def test_a_long_chat_goes_in_batches(monkeypatch):
    monkeypatch.setattr(history, "_BATCH", 2)
    session = make_session(history_limit=1)
    write(session, 6)

    assert history.prune(session_id=session.pk, limit=1) == 5

    assert texts(session) == ["5"]


def test_pruning_leaves_the_figures_alone():
    session = make_session(history_limit=1, messages_sent=3)
    write(session, 3)

    tasks.prune_history()

    session.refresh_from_db()
    assert session.messages_sent == 3
