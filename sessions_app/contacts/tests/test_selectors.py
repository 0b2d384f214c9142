"""Lists of contacts stay fast when there are many."""

import pytest
from django.db import connection

from sessions_app.contacts import selectors
from sessions_app.contacts.models import Contact
from sessions_app.contacts.tests.factories import ADA, ADA_LID, make_contact
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


@pytest.fixture
def crowded(session):
    """A hundred sessions with 200 contacts each, written by turns."""
    others = [make_session(tenant=session.tenant) for _ in range(99)]
    Contact.objects.bulk_create(
        Contact(
            tenant_id=owner.tenant_id,
            session=owner,
            jid=f"1555{number:07}@s.whatsapp.net",
            phone=f"1555{number:07}",
            name=f"Person {number}",
        )
        for number in range(200)
        for owner in [session, *others]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact")
    return session


def test_a_page_is_read_from_an_index(crowded):
    middle = Contact.objects.filter(session=crowded).order_by("pk")[50].pk
    page = selectors.contacts_of(crowded).filter(pk__gt=middle).order_by("pk")[:51]

    plan = page.explain()

    assert "contact_of_session" in plan
    assert "Seq Scan" not in plan


def test_names_are_found_by_index(crowded):
    with connection.execute_wrapper(_explained) as _:
        names = selectors.names_of(crowded, ["15550000007@s.whatsapp.net"])

    assert names == {"15550000007@s.whatsapp.net": "Person 7"}


def _explained(execute, sql, params, many, context):
    with context["connection"].cursor() as cursor:
        cursor.cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(row[0] for row in cursor.cursor.fetchall())
    assert "contact_once_per_session" in plan
    assert "contact_by_phone" in plan
    assert "Seq Scan" not in plan
    return execute(sql, params, many, context)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", {"Ada Abel", "Ben"}),
        ("  ", {"Ada Abel", "Ben"}),
        ("abel", {"Ada Abel"}),
        ("sunny", {"Ada Abel"}),
        ("+1 555 010", {"Ada Abel"}),
        ("15550100123@", {"Ada Abel"}),
        ("12345", {"Ben"}),
        ("%", set()),
        ("_", set()),
    ],
)
def test_a_search_finds_names_numbers_and_jids(session, search, found):
    make_contact(session, jid=ADA, phone="15550100123", name="Ada Abel", push_name="Sunny")
    make_contact(session, jid=ADA_LID, phone="", name="Ben")
    make_contact(make_session(), name="Ada Abel abroad")

    names = selectors.contacts_of(session, search=search).values_list("name", flat=True)

    assert set(names) == found


def test_a_chat_is_called_by_its_contacts_best_name(session):
    make_contact(session, jid=ADA_LID, phone="15550100123", name="Mom", push_name="Ada")
    make_contact(session, jid="1@lid", phone="", name="", push_name="Ben")
    make_contact(session, jid="2@lid", phone="", name="", push_name="")
    wanted = [ADA, ADA_LID, "1@lid", "2@lid", "120363025246125486@g.us"]

    assert selectors.names_of(session, wanted) == {ADA: "Mom", ADA_LID: "Mom", "1@lid": "Ben"}
