"""The address book changed on the phone: it is fetched again, but not for every change."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_app.contacts import tasks
from sessions_app.contacts.models import ContactSync
from sessions_app.contacts.services import notices, syncing
from sessions_app.contacts.tests.factories import NOON, entries, reported, synced
from sessions_app.engines.events import ContactsChanged
from sessions_app.models import Session
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


@pytest.fixture
def later(monkeypatch):
    """What the task put off, and by how many seconds, instead of a broker."""
    waits = []
    monkeypatch.setattr(
        tasks.sync_changed_contacts,
        "apply_async",
        lambda *_, countdown=0, **__: waits.append(countdown),
    )
    return waits


def changed(session, now=NOON):
    return syncing.sync_changed(session_id=session.public_id, now=now)


def test_a_change_has_the_address_book_fetched(session):
    assert changed(session) is None

    assert ContactSync.objects.count() == 1


def test_a_change_soon_after_a_sync_waits_for_the_minute_to_pass(session):
    synced(session, entries(1), now=NOON)

    wait = changed(session, NOON + timedelta(seconds=45))

    assert wait == timedelta(seconds=15)
    assert ContactSync.objects.count() == 1


def test_when_the_minute_has_passed_it_is_fetched_once_for_all_changes(session):
    synced(session, entries(1), now=NOON)
    after = NOON + syncing.FRESH_FOR

    assert changed(session, after) is None
    assert changed(session, after) == syncing.FRESH_FOR

    assert ContactSync.objects.count() == 2


@pytest.mark.parametrize("fields", [{"status": SessionStatus.STOPPED}, {"engine": "wuzapi"}])
def test_where_no_sync_is_possible_nothing_is_asked_for(fields):
    session = make_session(**{"status": SessionStatus.CONNECTED} | fields)

    assert changed(session) is None
    assert syncing.sync_changed(session_id="ses_gone", now=NOON) is None

    assert not ContactSync.objects.exists()


def test_many_changes_in_a_batch_are_one_event_per_session(session, later, drain_outbox):
    notices.report_address_books(changed=[(session, ContactsChanged())] * 3)

    assert [event.name for event in reported()] == ["contacts.changed"]
    drain_outbox()

    assert later == [0]  # one task, at once


def test_the_task_comes_back_when_it_was_too_soon(session, later):
    syncing.request_sync(session=session, now=timezone.now())

    tasks.sync_changed_contacts(session_id=session.public_id)

    (wait,) = later
    assert 0 < wait <= syncing.FRESH_FOR.total_seconds()


def test_the_task_knows_a_session_that_stopped_meanwhile(session, later):
    Session.objects.update(status=SessionStatus.STOPPED)

    tasks.sync_changed_contacts(session_id=session.public_id, added_later=True)

    assert (later, ContactSync.objects.count()) == ([], 0)
