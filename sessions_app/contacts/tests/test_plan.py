"""A tenant has as many contacts as its plan keeps; messages and syncs go on all the same."""

from datetime import timedelta

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key
from sessions_app.contacts.models import Contact
from sessions_app.contacts.services import addressbook, people
from sessions_app.contacts.services.people import Sighting
from sessions_app.contacts.states import SyncState
from sessions_app.contacts.tests.factories import (
    ADA,
    ADA_LID,
    NOON,
    entries,
    make_contact,
    reported,
    synced,
)
from sessions_app.engines.events import ContactEntry
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import end_plan, make_customer, make_session

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def session():
    return make_session(tenant=make_customer(contacts=3), status=SessionStatus.CONNECTED)


def jids():
    return set(Contact.objects.values_list("jid", flat=True))


def remember(*seen):
    people.remember(sightings=[Sighting(*one) for one in seen], now=NOON)


def test_a_sync_writes_what_the_plan_keeps_and_says_what_it_left_out(session):
    sync = synced(session, entries(2), entries(4, first=2))

    assert (sync.state, sync.error) == (SyncState.DONE, "")
    assert (sync.fetched, sync.written, sync.left_out) == (6, 3, 3)
    assert Contact.objects.count() == 3
    assert reported().last().payload["left_out"] == 3


def test_the_api_tells_how_many_were_left_out(session):
    synced(session, entries(5))
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(session.tenant).text)

    answer = client.get(f"/v1/sessions/{session.public_id}/contacts/sync")

    assert (answer.json()["sync"]["written"], answer.json()["sync"]["left_out"]) == (3, 2)


def test_all_sessions_of_a_tenant_share_the_plan_and_others_do_not(session):
    second = make_session(tenant=session.tenant, status=SessionStatus.CONNECTED)
    stranger = make_session(tenant=make_customer(contacts=3), status=SessionStatus.CONNECTED)

    left_out = [synced(one, entries(2)).left_out for one in (session, second, stranger)]

    assert left_out == [0, 1, 0]


def test_known_contacts_are_kept_fresh_when_there_is_no_room(session):
    synced(session, entries(3))

    sync = synced(session, entries(4, name="Renamed"), now=LATER)

    assert (sync.written, sync.left_out) == (3, 1)
    assert set(Contact.objects.values_list("name", flat=True)) == {"Renamed"}


def test_a_person_whose_lid_becomes_known_takes_no_second_place(session):
    synced(session, [*entries(2), ContactEntry(ADA, name="Ada")])

    sync = synced(session, [ContactEntry(ADA_LID, phone="15550100123")], now=LATER)

    assert sync.left_out == 0
    assert ADA_LID in jids()
    assert Contact.objects.count() == 3


def test_people_who_write_at_once_get_the_places_that_are_left(session):
    make_contact(session)
    stranger = make_session(status=SessionStatus.CONNECTED)
    senders = [f"1555030{number:04}@s.whatsapp.net" for number in range(5)]

    remember(*((one, sender) for sender in senders for one in (session, stranger)))

    assert (session.contacts.count(), stranger.contacts.count()) == (3, 5)


def test_without_a_limit_everybody_is_kept():
    session = make_session(tenant=make_customer(contacts=None), status=SessionStatus.CONNECTED)

    sync = synced(session, entries(600))

    assert (sync.written, sync.left_out) == (600, 0)


def test_without_a_plan_nobody_new_is_kept(session):
    synced(session, entries(1))
    end_plan(session.tenant, now=NOON)

    sync = synced(session, entries(2), now=LATER)

    assert (sync.state, sync.written, sync.left_out) == (SyncState.DONE, 1, 1)


def test_room_is_counted_by_index_and_no_further_than_the_limit(session):
    others = [make_session() for _ in range(3)]
    for one in others:
        rows = [
            Contact(tenant_id=one.tenant_id, session=one, jid=f"{number}@lid")
            for number in range(2_000)
        ]
        Contact.objects.bulk_create(rows)
    plan = {"limited": [session.tenant_id], "sizes": [3]}
    page = {"page_id": None, "session_id": session.pk, "tenant_id": session.tenant_id}
    values = {**page, **plan, "rows": "[]", "synced_at": NOON, "now": NOON, "stale": NOON}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact")
        cursor.execute("SET LOCAL enable_seqscan = off")  # a few thousand rows are no proof
        cursor.execute(f"EXPLAIN {addressbook._MERGE}", values)
        explained = "\n".join(row[0] for row in cursor.fetchall())

    assert "contacts_contact_tenant_id" in explained


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_moment_go_over_by_their_batches_at_most(race):
    session = make_session(tenant=make_customer(contacts=3), status=SessionStatus.CONNECTED)
    batches = iter(
        [[f"1555{batch}10{one:04}@s.whatsapp.net" for one in range(2)] for batch in range(4)]
    )

    race(4, lambda: remember(*((session, sender) for sender in next(batches))))

    assert 3 <= Contact.objects.count() <= 8
    remember((session, ADA))
    assert ADA not in jids()
