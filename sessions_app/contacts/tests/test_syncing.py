"""The way of an address book: requested, fetched, written."""

from datetime import timedelta

import pytest

from sessions_app.contacts.models import Contact, ContactPage, ContactSync
from sessions_app.contacts.services import syncing
from sessions_app.contacts.services.syncing import Freshness
from sessions_app.contacts.states import SyncState
from sessions_app.contacts.tests.factories import (
    NOON,
    entries,
    fetched_sync,
    reported,
    synced,
)
from sessions_app.engines.events import ContactEntry
from sessions_app.models import Command
from sessions_app.states import OPEN, CommandKind, SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(seconds=30)


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


def names():
    return dict(Contact.objects.values_list("jid", "name"))


def test_a_sync_starts_with_a_command_for_the_runner(session):
    sync = syncing.request_sync(session=session, now=NOON)

    assert (sync.state, sync.fetched, sync.written) == (SyncState.QUEUED, 0, 0)
    command = Command.objects.get()
    assert (command.kind, command.session) == (CommandKind.FETCH_CONTACTS, session)
    assert command.payload == {"sync_id": sync.public_id}


def test_a_sync_that_runs_is_not_started_twice(session):
    first = syncing.request_sync(session=session, now=NOON)

    assert syncing.request_sync(session=session, now=LATER) == first

    assert ContactSync.objects.count() == 1
    assert Command.objects.count() == 1


@pytest.mark.parametrize("status", sorted(set(SessionStatus) - OPEN))
def test_contacts_come_from_connected_sessions_only(status):
    session = make_session(status=status)

    with pytest.raises(syncing.SessionNotReady):
        syncing.request_sync(session=session, now=NOON)

    assert not ContactSync.objects.exists()
    assert not Command.objects.exists()


def test_pages_wait_until_all_of_them_are_here(session):
    sync = fetched_sync(session, entries(3), entries(2, first=3))

    assert (sync.state, sync.fetched, sync.written) == (SyncState.WRITING, 5, 0)
    assert not Contact.objects.exists()
    event = reported().get()
    assert event.name == "contacts.sync.fetched"
    assert event.payload == {
        "session_id": session.public_id,
        "sync_id": sync.public_id,
        "fetched": 5,
    }


def test_written_pages_are_contacts(session):
    entry = ContactEntry(
        "15550100123@s.whatsapp.net",
        name="Ada Abel",
        phone="15550100123",
        push_name="ada",
        raw={"business": "Abel & Co"},
    )

    sync = synced(session, [entry], now=NOON)

    contact = Contact.objects.get()
    assert (contact.session, contact.tenant) == (session, session.tenant)
    assert (contact.jid, contact.phone) == ("15550100123@s.whatsapp.net", "15550100123")
    assert (contact.name, contact.push_name) == ("Ada Abel", "ada")
    assert contact.raw == {"business": "Abel & Co"}
    assert contact.public_id.startswith("con_")
    assert contact.last_synced_at is not None
    assert (sync.state, sync.written) == (SyncState.DONE, 1)
    assert sync.finished_at is not None
    assert not ContactPage.objects.exists()
    session.refresh_from_db()
    assert session.last_synced_at == sync.finished_at
    event = reported().last()
    assert event.name == "contacts.synced"
    assert event.payload == {
        "session_id": session.public_id,
        "sync_id": sync.public_id,
        "count": 1,
        "left_out": 0,
    }


def test_an_empty_address_book_is_synced_too(session):
    sync = synced(session)

    assert (sync.state, sync.fetched, sync.written) == (SyncState.DONE, 0, 0)
    assert reported().last().payload["count"] == 0


def test_a_second_sync_updates_names_and_keeps_ids(session):
    synced(session, entries(3))
    ids = dict(Contact.objects.values_list("jid", "public_id"))

    synced(session, entries(2, name="Renamed"), now=NOON + timedelta(minutes=2))

    assert sorted(names().values()) == ["Person 2", "Renamed", "Renamed"]
    assert dict(Contact.objects.values_list("jid", "public_id")) == ids


def test_what_did_not_change_is_not_written_again(session):
    synced(session, entries(3))
    before = list(Contact.objects.order_by("pk").values())

    soon = NOON + timedelta(minutes=2)
    synced(session, [*entries(2), *entries(1, first=2, name="Renamed")], now=soon)

    after = list(Contact.objects.order_by("pk").values())
    assert after[:2] == before[:2]
    assert after[2]["name"] == "Renamed"
    assert after[2]["updated_at"] > before[2]["updated_at"]


def test_a_stamp_is_never_older_than_an_hour(session):
    synced(session, entries(1))

    later = NOON + timedelta(hours=1, minutes=1)
    synced(session, entries(1), now=later)

    assert Contact.objects.get().last_synced_at >= later


def test_an_address_book_without_a_name_clears_it(session):
    synced(session, entries(1, push_name="ada"))

    synced(session, entries(1, name=""), now=NOON + timedelta(minutes=2))

    contact = Contact.objects.get()
    assert (contact.name, contact.push_name) == ("", "ada")


def test_an_entry_that_comes_twice_is_one_contact(session):
    sync = synced(session, [*entries(2), *entries(1, name="Again")])

    assert sync.written == 2
    assert sorted(names().values()) == ["Again", "Person 1"]


def test_entries_that_can_not_be_kept_are_left_out_and_the_rest_is_cleaned(session):
    page = [
        ContactEntry(""),
        ContactEntry("1" * 80 + "@lid"),
        ContactEntry("1\x00@lid"),
        ContactEntry("1@lid", name="Nu\x00ll \ud83d" + "x" * 300, raw={"a\x00": "b\x00"}),
    ]

    sync = synced(session, page)

    contact = Contact.objects.get()
    assert sync.written == 1
    assert contact.name == "Null " + "x" * 195
    assert contact.raw == {"a": "b"}


def test_a_page_that_comes_again_replaces_the_first(session):
    sync = syncing.request_sync(session=session, now=NOON)
    for page in (entries(3), entries(4)):
        syncing.store_page(sync_id=sync.public_id, number=1, entries=page, now=NOON)

    sync.refresh_from_db()
    assert (sync.state, sync.fetched) == (SyncState.FETCHING, 4)
    assert ContactPage.objects.count() == 1


def test_pages_of_a_sync_that_ended_are_dropped(session):
    sync = synced(session, entries(1))

    assert not syncing.store_page(
        sync_id=sync.public_id, number=2, entries=entries(1, first=9), now=LATER
    )
    assert not syncing.finish_fetch(sync_id=sync.public_id, now=LATER)
    assert not syncing.fail(sync_id=sync.public_id, error="late", now=LATER)

    sync.refresh_from_db()
    assert (sync.state, sync.error) == (SyncState.DONE, "")
    assert not ContactPage.objects.exists()


def test_a_sync_that_fails_says_why_and_makes_room_for_the_next(session):
    sync = syncing.request_sync(session=session, now=NOON)
    syncing.store_page(sync_id=sync.public_id, number=1, entries=entries(1), now=NOON)

    assert syncing.fail(sync_id=sync.public_id, error="The phone is \x00off.", now=LATER)

    sync.refresh_from_db()
    assert (sync.state, sync.error) == (SyncState.FAILED, "The phone is off.")
    assert sync.finished_at == LATER
    assert not ContactPage.objects.exists()
    event = reported().get()
    assert (event.name, event.payload["error"]) == ("contacts.sync.failed", "The phone is off.")
    assert syncing.request_sync(session=session, now=LATER) != sync


def test_a_list_is_freshened_once_a_minute_and_never_fails(session):
    def outcome(now):
        return syncing.freshen(session=session, now=now).outcome

    assert outcome(NOON) == Freshness.REQUESTED
    assert outcome(LATER) == Freshness.RUNNING

    sync = ContactSync.objects.get()
    syncing.finish_fetch(sync_id=sync.public_id, now=LATER)
    syncing.write_pages(sync_id=sync.public_id, now=LATER)
    assert outcome(NOON + timedelta(seconds=59)) == Freshness.RECENT
    assert outcome(NOON + timedelta(seconds=61)) == Freshness.REQUESTED

    stopped = make_session(status=SessionStatus.STOPPED)
    freshening = syncing.freshen(session=stopped, now=NOON)
    assert (freshening.outcome, freshening.sync) == (Freshness.NOT_CONNECTED, None)


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_are_one_sync(race):
    session = make_session(status=SessionStatus.CONNECTED)

    results = race(8, lambda: syncing.request_sync(session=session, now=NOON))

    assert len({sync.public_id for sync in results}) == 1
    assert ContactSync.objects.count() == 1
    assert Command.objects.count() == 1
