"""What gateways posted waits for the runner, in order, and is forgotten after."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from sessions_app import selectors
from sessions_app.models import InboxEntry
from sessions_app.models.inbox import MAX_ATTEMPTS
from sessions_app.services import inbox
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db
NOW = timezone.now()
BY = {"actor": "usr_staff", "reason": "fixed", "now": NOW}


@pytest.fixture
def session():
    return make_session()


def receive(session, *numbers: int) -> list[InboxEntry]:
    for number in numbers:
        inbox.receive(
            session_id=session.pk, dedupe_key=str(number), payload={"n": number}, now=NOW
        )
    return list(InboxEntry.objects.filter(session=session).order_by("pk"))


def numbers(session, limit: int = 10) -> list[int]:
    entries = inbox.waiting(session_ids=[session.pk], limit=limit)
    return [inbox.payload_of(entry)["n"] for entry in entries.get(session.pk, [])]


def test_entries_wait_in_the_order_they_came_in(session):
    other = make_session()
    receive(session, 3, 1, 2)
    receive(other, 9)

    assert numbers(session) == [3, 1, 2]
    assert numbers(session, limit=2) == [3, 1]
    assert numbers(other) == [9]


def test_what_was_read_is_known_but_holds_nothing_any_more(session):
    first, _ = receive(session, 1, 2)

    inbox.finish(entries={first.pk: ""}, now=NOW)
    receive(session, 1)

    assert numbers(session) == [2]
    first.refresh_from_db()
    assert (first.payload, first.done_at) == ("", NOW)


def test_what_failed_is_tried_again_and_then_left_to_staff(session):
    (entry,) = receive(session, 1)
    receive(session, 2)

    for _ in range(MAX_ATTEMPTS):
        assert numbers(session) == [1, 2]
        inbox.finish(entries={entry.pk: "boom"}, now=NOW)

    assert numbers(session) == [2]
    assert list(selectors.poison_webhooks()) == [entry]
    assert selectors.poison_webhooks().get().error == "boom"


def test_staff_can_have_poison_read_again(session):
    (entry,) = receive(session, 1)
    for _ in range(MAX_ATTEMPTS):
        inbox.finish(entries={entry.pk: "boom"}, now=NOW)

    inbox.replay(entry=entry, **BY)

    assert numbers(session) == [1]
    with pytest.raises(inbox.NotPoison):
        inbox.replay(entry=entry, **BY)


def test_old_entries_are_forgotten(session):
    read, unread = receive(session, 1, 2)
    inbox.finish(entries={read.pk: ""}, now=NOW)

    assert inbox.forget_old(now=NOW + inbox.KEPT_FOR) == 0
    assert inbox.forget_old(now=NOW + inbox.KEPT_FOR + timedelta(seconds=1)) == 1
    assert list(InboxEntry.objects.all()) == [unread]
    assert inbox.forget_old(now=NOW + inbox.UNREAD_KEPT_FOR + timedelta(seconds=1)) == 1


def test_payloads_are_unreadable_in_the_database(session):
    inbox.receive(session_id=session.pk, dedupe_key="1", payload={"code": "2@secret"}, now=NOW)

    with connection.cursor() as cursor:
        cursor.execute("SELECT payload FROM sessions_app_inboxentry")
        assert "2@secret" not in cursor.fetchone()[0]
