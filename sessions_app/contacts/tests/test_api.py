"""Contacts over HTTP."""

import pytest
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key, make_login, make_member, make_tenant
from sessions_app.contacts.models import Contact, ContactSync
from sessions_app.contacts.tests.factories import entries, make_contact, synced
from sessions_app.models import Command
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


@pytest.fixture
def api(session):
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(session.tenant).text)
    return client


def path(session, tail=""):
    return f"/v1/sessions/{session.public_id}/contacts{tail}"


def test_a_contact_is_shown(api, session):
    synced(session, entries(1, push_name="ada", raw={"business": "Abel"}))

    answer = api.get(path(session), {"sync": "false"})

    contact = Contact.objects.get()
    body = answer.json()
    assert answer.status_code == 200
    assert body["contacts"] == [
        {
            "id": contact.public_id,
            "session_id": session.public_id,
            "jid": "15550000000@s.whatsapp.net",
            "name": "Person 0",
            "phone": "15550000000",
            "push_name": "ada",
            "identities": [],
            "raw": {"business": "Abel"},
            "last_synced_at": _iso(contact.last_synced_at),
            "created_at": _iso(contact.created_at),
            "updated_at": _iso(contact.updated_at),
        }
    ]
    assert (body["next_cursor"], body["sync_outcome"]) == (None, "off")
    assert (body["sync"]["state"], body["sync"]["written"]) == ("DONE", 1)


def _iso(moment):
    return moment.isoformat().replace("+00:00", "Z")


def test_a_list_asks_for_a_sync_and_does_not_wait(api, session):
    first, second = api.get(path(session)).json(), api.get(path(session)).json()

    assert (first["contacts"], first["sync"]["state"]) == ([], "QUEUED")
    assert (first["sync_outcome"], second["sync_outcome"]) == ("requested", "running")
    assert ContactSync.objects.count() == 1


@pytest.mark.parametrize("sync", ["false", "False", "0"])
def test_a_list_can_be_had_without_a_sync(api, session, sync):
    body = api.get(path(session), {"sync": sync}).json()

    assert (body["sync"], body["sync_outcome"]) == (None, "off")
    assert not Command.objects.exists()


def test_a_session_that_is_not_connected_shows_what_is_known(api, session):
    stopped = make_session(tenant=session.tenant, status=SessionStatus.STOPPED)
    make_contact(stopped)

    body = api.get(path(stopped)).json()

    assert len(body["contacts"]) == 1
    assert (body["sync"], body["sync_outcome"]) == (None, "not_connected")


def test_a_list_goes_page_by_page_and_only_the_first_asks_for_a_sync(api, session):
    contacts = [make_contact(session) for _ in range(5)]

    seen, outcomes, cursor = [], [], ""
    while cursor is not None:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        body = api.get(path(session), query).json()
        seen += [contact["id"] for contact in body["contacts"]]
        outcomes.append(body["sync_outcome"])
        cursor = body["next_cursor"]

    assert seen == [contact.public_id for contact in contacts]
    assert outcomes == ["requested", "off", "off"]


def test_a_list_is_searched(api, session):
    make_contact(session, name="Ada Abel")
    make_contact(session, name="Ben")

    body = api.get(path(session), {"search": "ABEL", "sync": "false"}).json()

    assert [contact["name"] for contact in body["contacts"]] == ["Ada Abel"]


@pytest.mark.parametrize(
    "query", ["sync=maybe", "search=%00", "cursor=%00", "cursor=x", f"search={'x' * 101}"]
)
def test_a_query_that_makes_no_sense_is_refused(api, session, query):
    assert api.get(f"{path(session)}?{query}").status_code == 400


def test_a_sync_is_requested_and_watched(api, session):
    before = api.get(path(session, "/sync"))
    requested = api.post(path(session, "/sync"))
    watched = api.get(path(session, "/sync"))

    sync = ContactSync.objects.get()
    assert (before.status_code, before.json()) == (200, {"sync": None})
    assert requested.status_code == 202
    assert requested.json() == {
        "sync": {
            "id": sync.public_id,
            "state": "QUEUED",
            "fetched": 0,
            "written": 0,
            "left_out": 0,
            "error": "",
            "created_at": _iso(sync.created_at),
            "finished_at": None,
        }
    }
    assert watched.json() == requested.json()


def test_a_sync_needs_a_connected_session(api, session):
    stopped = make_session(tenant=session.tenant, status=SessionStatus.STOPPED)

    answer = api.post(path(stopped, "/sync"))

    assert (answer.status_code, answer.json()["code"]) == (409, "session_not_ready")
    assert not ContactSync.objects.exists()


def test_only_the_tenants_own_people_and_programs_get_in(session):
    bob = make_login(session.tenant, make_member(session.tenant)).token
    charlie = make_login(make_tenant()).token
    calls = [("get", path(session)), ("get", path(session, "/sync"))]
    calls.append(("post", path(session, "/sync")))

    def statuses(**credentials):
        client = APIClient()
        client.credentials(**credentials)
        return [getattr(client, method)(to).status_code for method, to in calls]

    assert statuses(HTTP_AUTHORIZATION=f"Bearer {charlie}") == [404, 404, 404]
    assert statuses(HTTP_X_API_KEY=make_api_key(make_tenant()).text) == [404, 404, 404]
    assert statuses() == [401, 401, 401]
    assert not ContactSync.objects.exists()
    alice = make_login(session.tenant).token
    assert statuses(HTTP_AUTHORIZATION=f"Bearer {alice}") == [200, 200, 202]
    assert statuses(HTTP_AUTHORIZATION=f"Bearer {bob}") == [200, 200, 202]
