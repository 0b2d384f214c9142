"""One contact over HTTP, under every id that it ever had; and engines without contacts."""

import pytest
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key, make_tenant
from sessions_app.contacts.models import ContactSync
from sessions_app.contacts.services import identities
from sessions_app.contacts.tests.factories import ADA, ADA_LID, NOON, make_contact
from sessions_app.engines.events import IdentityMapped
from sessions_app.models import Session
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db
PHONE = "15550100123"


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


def client_of(tenant):
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(tenant).text)
    return client


def read(session, contact_id, *, tenant=None):
    address = f"/v1/sessions/{session.public_id}/contacts/{contact_id}"
    return client_of(tenant or session.tenant).get(address)


def test_a_contact_is_shown_with_all_that_it_goes_by(session):
    contact = make_contact(session, jid=ADA_LID, phone="", name="Ada")
    mapped = IdentityMapped(ADA_LID, PHONE, "ada")
    identities.learn(mapped=[(session, mapped)], now=NOON)

    answer = read(session, contact.public_id)

    assert answer.status_code == 200
    shown = answer.json()["contact"]
    assert (shown["id"], shown["jid"], shown["phone"]) == (contact.public_id, ADA_LID, PHONE)
    assert {(one["kind"], one["value"]) for one in shown["identities"]} == {
        ("LID", ADA_LID),
        ("PHONE", PHONE),
        ("USERNAME", "ada"),
    }


def test_the_id_of_a_contact_that_was_merged_away_leads_to_the_one_that_stayed(session):
    goes = make_contact(session, jid=ADA, phone=PHONE)
    stays = make_contact(session, jid=ADA_LID, phone="")
    identities.learn(mapped=[(session, IdentityMapped(ADA_LID, PHONE))], now=NOON)

    answers = [read(session, contact.public_id) for contact in (goes, stays)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["contact"]["id"] for answer in answers] == [stays.public_id] * 2


def test_a_merged_id_is_missing_for_everybody_else(session):
    goes = make_contact(session, jid=ADA, phone=PHONE)
    make_contact(session, jid=ADA_LID, phone="")
    identities.learn(mapped=[(session, IdentityMapped(ADA_LID, PHONE))], now=NOON)
    sibling = make_session(tenant=session.tenant)

    foreign = read(session, goes.public_id, tenant=make_tenant())
    misplaced = read(sibling, goes.public_id)

    assert (foreign.status_code, misplaced.status_code) == (404, 404)
    assert misplaced.json()["code"] == "contact_not_found"


@pytest.mark.parametrize("contact_id", ["con_none", "%00", "%F0%9F%98%80", "x" * 300])
def test_a_contact_that_does_not_exist_is_missing(session, contact_id):
    assert read(session, contact_id).status_code == 404


def test_an_engine_without_an_address_book_syncs_nothing_and_shows_what_is_known(session):
    make_contact(session)
    Session.objects.update(engine="wuzapi")  # this deployment does not offer it
    client, address = client_of(session.tenant), f"/v1/sessions/{session.public_id}/contacts"

    asked, listed = client.post(f"{address}/sync"), client.get(address)

    assert (asked.status_code, asked.json()["code"]) == (409, "capability_missing")
    assert asked.json()["capability"] == "contacts"
    assert listed.json()["sync_outcome"] == "unsupported"
    assert len(listed.json()["contacts"]) == 1
    assert not ContactSync.objects.exists()
