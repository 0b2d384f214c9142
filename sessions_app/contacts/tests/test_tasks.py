"""What happens in the background, and when the broker is away."""

from datetime import timedelta

import pytest
from celery import Celery
from django.utils import timezone
from kombu.exceptions import OperationalError

from orsta.core.outbox.enqueue import enqueue
from orsta.core.outbox.registry import TransportDown
from sessions_app.contacts import tasks
from sessions_app.contacts.models import Contact, ContactSync
from sessions_app.contacts.services import syncing
from sessions_app.contacts.states import SyncState
from sessions_app.contacts.tests.factories import entries, fetched_sync, reported, synced
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


@pytest.fixture
def queue(monkeypatch):
    """What was handed to the broker, instead of a broker."""
    sent = []
    monkeypatch.setattr(
        tasks.write_contacts, "apply_async", lambda args, kwargs, **_: sent.append(kwargs)
    )
    return sent


@pytest.fixture
def no_broker(monkeypatch):
    """The task, of an application whose broker nobody listens for."""
    app = Celery("away", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(tasks, "write_contacts", app.task(tasks.write_contacts.run))


def test_the_task_writes_a_sync_and_knows_what_it_does_not_know(session):
    sync = fetched_sync(session, entries(3))

    tasks.write_contacts(sync_id=sync.public_id, added_later=True)

    sync.refresh_from_db()
    assert (sync.state, Contact.objects.count()) == (SyncState.DONE, 3)


def test_a_sync_that_is_gone_is_no_error():
    tasks.write_contacts(sync_id="syn_gone")

    assert not Contact.objects.exists()


def test_what_was_fetched_is_handed_to_celery(session, queue, drain_outbox):
    sync = fetched_sync(session, entries(1))

    drain_outbox()

    assert queue == [{"sync_id": sync.public_id}]


def test_the_first_connection_brings_the_address_book(session):
    for _ in range(2):
        tasks.sync_new_account(session_id=session.public_id)

    assert ContactSync.objects.get().state == SyncState.QUEUED


def test_an_account_that_was_synced_before_is_left_alone(session):
    synced(session, entries(1))

    tasks.sync_new_account(session_id=session.public_id)

    assert ContactSync.objects.count() == 1


@pytest.mark.parametrize("status", [SessionStatus.STOPPED, SessionStatus.DISCONNECTED])
def test_a_connection_that_broke_at_once_brings_nothing(status):
    session = make_session(status=status)

    tasks.sync_new_account(session_id=session.public_id)
    tasks.sync_new_account(session_id="ses_gone")

    assert not ContactSync.objects.exists()


def test_while_the_broker_is_away_the_event_waits(session, no_broker, drain_outbox):
    fetched_sync(session, entries(1))

    with pytest.raises(TransportDown):
        drain_outbox()

    event = reported().get()
    assert (event.name, event.attempts) == ("contacts.sync.fetched", 0)
    assert event.dispatched_at is None


def test_a_broker_that_is_away_is_told_from_other_trouble(no_broker):
    with pytest.raises(TransportDown) as down:
        enqueue(tasks.write_contacts, sync_id="syn_1")

    assert isinstance(down.value.__cause__, OperationalError)


def test_a_writer_that_died_is_resumed(session, queue):
    silent = timezone.now() - timedelta(seconds=31)
    stuck = fetched_sync(session, entries(1), now=silent)
    fetched_sync(make_session(status=SessionStatus.CONNECTED), entries(1), now=timezone.now())
    synced(make_session(status=SessionStatus.CONNECTED), entries(1), now=silent)

    tasks.resume_syncs()

    assert queue == [{"sync_id": stuck.public_id}]


def test_a_fetch_without_progress_is_given_up(session, queue):
    def requested(age):
        owner = make_session(status=SessionStatus.CONNECTED)
        return syncing.request_sync(session=owner, now=timezone.now() - age)

    stuck = requested(timedelta(minutes=6))
    fetching = requested(timedelta(minutes=6))
    syncing.store_page(
        sync_id=fetching.public_id, number=1, entries=entries(1), now=timezone.now()
    )
    waiting = requested(timedelta(minutes=4))

    tasks.resume_syncs()

    for sync, state in [
        (stuck, SyncState.FAILED),
        (fetching, SyncState.FETCHING),
        (waiting, SyncState.QUEUED),
    ]:
        sync.refresh_from_db()
        assert sync.state == state
    assert queue == []
