"""A list of contacts syncs first, waits a moment, and says when it shows what was known."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key
from sessions_app.contacts.models import Contact, ContactSync
from sessions_app.contacts.services import storable, syncing
from sessions_app.contacts.services.syncing import Freshness
from sessions_app.contacts.states import SyncState
from sessions_app.contacts.tests.factories import entries, make_contact, synced
from sessions_app.engines.events import ContactEntry
from sessions_app.models import Session
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


def listed(session, **query):
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(session.tenant).text)
    answer = client.get(f"/v1/sessions/{session.public_id}/contacts", query)
    assert answer.status_code == 200
    return answer.json()


def test_what_was_synced_lately_is_fresh(session):
    synced(session, entries(2))
    ContactSync.objects.update(created_at=timezone.now())

    body = listed(session)

    assert (body["sync_outcome"], body["from_cache"]) == ("recent", False)
    assert len(body["contacts"]) == 2


def test_vector_16_a_list_that_can_not_sync_shows_what_is_known_and_says_so(session):
    make_contact(session)
    Session.objects.update(status=SessionStatus.DISCONNECTED)

    body = listed(session)

    assert (body["sync_outcome"], body["from_cache"]) == ("not_connected", True)
    assert len(body["contacts"]) == 1


def test_a_sync_that_failed_a_moment_ago_leaves_the_known_ones(session):
    sync = syncing.request_sync(session=session, now=timezone.now())
    syncing.fail(sync_id=sync.public_id, error="no answer", now=timezone.now())

    body = listed(session)

    assert (body["sync_outcome"], body["from_cache"]) == ("recent", True)


def test_without_a_sync_the_list_is_what_is_known(session):
    assert listed(session, sync="false")["from_cache"] is True


def test_nobody_waits_longer_than_told(session):
    started = timezone.now()

    outcome = syncing.freshen(
        session=session, now=started, wait=timedelta(seconds=0.25)
    ).outcome

    assert outcome == Freshness.REQUESTED
    assert timedelta(seconds=0.2) < timezone.now() - started < timedelta(seconds=5)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", [SyncState.DONE, SyncState.FAILED])
def test_a_list_waits_for_the_sync_that_it_asked_for(session, end):
    def finish():
        try:
            while not ContactSync.objects.filter(state=SyncState.QUEUED).exists():
                pass
            sync = ContactSync.objects.get()
            if end == SyncState.FAILED:
                syncing.fail(sync_id=sync.public_id, error="no", now=timezone.now())
                return
            syncing.store_page(
                sync_id=sync.public_id, number=1, entries=entries(3), now=timezone.now()
            )
            syncing.finish_fetch(sync_id=sync.public_id, now=timezone.now())
            syncing.write_pages(sync_id=sync.public_id, now=timezone.now())
        finally:
            connection.close()

    runner = threading.Thread(target=finish)
    runner.start()
    freshening = syncing.freshen(
        session=session, now=timezone.now(), wait=timedelta(seconds=10)
    )
    runner.join()

    expected = {SyncState.DONE: Freshness.SYNCED, SyncState.FAILED: Freshness.FAILED}
    assert freshening.outcome == expected[end]
    assert Contact.objects.count() == (3 if end == SyncState.DONE else 0)


def test_g3_only_people_become_contacts(session):
    """Vector 18: N entries are N rows, and what is no JID, such as `data`, is none."""
    book = [
        ContactEntry("15550100001@s.whatsapp.net", name="Ada Abel"),
        ContactEntry("123456789@lid", push_name="ben"),
        ContactEntry("data", name="junk"),
        ContactEntry("@s.whatsapp.net"),
    ]

    synced(session, book)

    rows = Contact.objects.values_list("jid", "name", "push_name")
    assert set(rows) == {
        ("15550100001@s.whatsapp.net", "Ada Abel", ""),
        ("123456789@lid", "", "ben"),
    }


@pytest.mark.parametrize("jid", ["data", "", "contacts", "@lid", "x" * 81 + "@lid"])
def test_g3_what_is_no_jid_has_no_row(jid):
    assert storable.entry_row(ContactEntry(jid)) is None
