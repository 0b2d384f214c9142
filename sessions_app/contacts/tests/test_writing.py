"""Fetched pages become contacts, whatever dies on the way."""

from datetime import timedelta

import pytest

from sessions_app.contacts.models import Contact, ContactPage
from sessions_app.contacts.services import syncing
from sessions_app.contacts.states import SyncState
from sessions_app.contacts.tests.factories import (
    NOON,
    entries,
    fetched_sync,
    reported,
    synced,
)
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(seconds=30)


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


def test_progress_is_reported_every_five_thousand_contacts(session):
    pages = [entries(2_000, first=first) for first in range(0, 12_000, 2_000)]

    synced(session, *pages)

    progress = reported().filter(name="contacts.sync.progress")
    steps = progress.values_list("payload__state", "payload__fetched", "payload__written")
    assert list(steps) == [
        ("FETCHING", 6_000, 0),
        ("FETCHING", 10_000, 0),
        ("WRITING", 12_000, 6_000),
        ("WRITING", 12_000, 10_000),
    ]
    assert Contact.objects.count() == 12_000


@pytest.mark.parametrize("size", [1, 2_000])
def test_writing_a_page_takes_the_same_statements_whatever_its_size(
    session, size, django_assert_num_queries
):
    sync = fetched_sync(session, entries(size))

    # savepoint, sync, page, plan (three), contacts, twins, page, sync, release
    with django_assert_num_queries(11):
        assert syncing.write_page(sync_id=sync.public_id, now=LATER)


def test_a_writer_that_died_between_two_pages_is_continued(session):
    sync = fetched_sync(session, entries(3), entries(3, first=3), entries(3, first=6))
    syncing.write_page(sync_id=sync.public_id, now=NOON)

    syncing.write_pages(sync_id=sync.public_id, now=LATER)

    sync.refresh_from_db()
    assert (sync.state, sync.written) == (SyncState.DONE, 9)
    assert Contact.objects.count() == 9
    assert reported().filter(name="contacts.synced").count() == 1


def test_a_writer_that_died_within_a_page_leaves_it_whole(session, monkeypatch):
    sync = fetched_sync(session, entries(3), entries(3, first=3))
    with monkeypatch.context() as crash:
        crash.setattr(syncing, "_report_progress", _crash)
        with pytest.raises(RuntimeError, match="killed"):
            syncing.write_pages(sync_id=sync.public_id, now=NOON)
    assert not Contact.objects.exists()

    syncing.write_pages(sync_id=sync.public_id, now=LATER)

    sync.refresh_from_db()
    assert (sync.state, sync.written) == (SyncState.DONE, 6)
    assert Contact.objects.count() == 6


def _crash(*_):
    raise RuntimeError("killed")


@pytest.mark.parametrize("count", [1, 2])
def test_writing_what_is_written_changes_nothing(session, count):
    sync = synced(session, entries(2))

    for _ in range(count):
        syncing.write_pages(sync_id=sync.public_id, now=LATER)

    assert reported().filter(name="contacts.synced").count() == 1
    assert Contact.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_writers_at_once_write_everything_once(race):
    session = make_session(status=SessionStatus.CONNECTED)
    pages = [entries(200, first=first) for first in range(0, 2_000, 200)]
    sync = fetched_sync(session, *pages)

    race(4, lambda: syncing.write_pages(sync_id=sync.public_id, now=LATER))

    sync.refresh_from_db()
    assert (sync.state, sync.written) == (SyncState.DONE, 2_000)
    assert Contact.objects.count() == 2_000
    assert not ContactPage.objects.exists()
    assert reported().filter(name="contacts.synced").count() == 1
