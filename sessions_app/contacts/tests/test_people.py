"""Who somebody is: LIDs, phone numbers and names from two sources."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from sessions_app.contacts.models import Contact
from sessions_app.contacts.services import people, storable
from sessions_app.contacts.services.people import Sighting
from sessions_app.contacts.tests.factories import ADA, ADA_LID, NOON, make_contact, synced
from sessions_app.engines.events import ContactEntry
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


def remember(session, *seen):
    people.remember(sightings=[Sighting(session, *one) for one in seen], now=NOON)


def known():
    columns = ("jid", "phone", "name", "push_name")
    return list(Contact.objects.order_by("jid").values_list(*columns))


def test_somebody_unknown_becomes_a_contact(session):
    remember(session, (ADA, "Ada"))

    assert known() == [(ADA, "15550100123", "", "Ada")]
    assert Contact.objects.get().last_synced_at is None


def test_a_push_name_is_kept_fresh_and_the_address_books_name_stays(session):
    make_contact(session, jid=ADA, phone="15550100123", name="Mom", push_name="Ada")

    remember(session, (ADA, "Ada 🌻"))

    assert known() == [(ADA, "15550100123", "Mom", "Ada 🌻")]


def test_a_message_without_a_push_name_forgets_nothing(session):
    remember(session, (ADA, "Ada"))

    remember(session, (ADA, ""))

    assert known() == [(ADA, "15550100123", "", "Ada")]


def test_a_person_who_did_not_change_is_not_written(session):
    remember(session, (ADA, "Ada"))
    before = Contact.objects.values().get()

    remember(session, (ADA, "Ada"))

    assert Contact.objects.values().get() == before


def test_somebody_known_by_lid_only_has_no_phone_number(session):
    remember(session, (ADA_LID, "Ada"))
    synced(session, [ContactEntry("987654321098765@lid", push_name="Ben")])

    assert known() == [(ADA_LID, "", "", "Ada"), ("987654321098765@lid", "", "", "Ben")]


def test_a_phone_number_that_arrives_later_is_kept(session):
    remember(session, (ADA_LID, "Ada"))

    remember(session, (ADA_LID, "Ada", "15550100123"))
    remember(session, (ADA_LID, "Ada", ""))

    assert known() == [(ADA_LID, "15550100123", "", "Ada")]


def test_once_the_lid_is_known_the_number_is_no_second_contact(session):
    make_contact(session, jid=ADA, phone="15550100123", name="Mom")

    remember(session, (ADA_LID, "Ada", "15550100123"))

    assert known() == [(ADA_LID, "15550100123", "Mom", "Ada")]


def test_two_contacts_that_turn_out_to_be_one_keep_the_name(session):
    make_contact(session, jid=ADA, phone="15550100123", name="Mom")
    make_contact(session, jid=ADA_LID, phone="", name="", push_name="Ada")

    remember(session, (ADA_LID, "Ada", "15550100123"))

    assert known() == [(ADA_LID, "15550100123", "Mom", "Ada")]


def test_who_is_known_by_lid_is_found_by_number(session):
    synced(session, [ContactEntry(ADA_LID, name="Mom", phone="15550100123")])

    remember(session, (ADA, "Ada"))

    assert known() == [(ADA_LID, "15550100123", "Mom", "Ada")]


def test_an_address_book_with_both_names_of_one_person_has_one_contact(session):
    synced(
        session,
        [
            ContactEntry(ADA, name="Old entry"),
            ContactEntry(ADA_LID, name="Mom", phone="15550100123"),
        ],
    )

    assert known() == [(ADA_LID, "15550100123", "Mom", "")]


def test_the_same_person_in_two_sessions_is_two_contacts(session):
    other = make_session(status=SessionStatus.CONNECTED)
    make_contact(other, jid=ADA, phone="15550100123", name="Theirs")

    remember(session, (ADA_LID, "Ada", "15550100123"))

    assert [contact.session for contact in Contact.objects.filter(jid=ADA)] == [other]
    assert [contact.session for contact in Contact.objects.filter(jid=ADA_LID)] == [session]


@pytest.mark.parametrize(
    "jid",
    [
        "120363025246125486@g.us",
        "1203@newsletter",
        "status@broadcast",
        "8670@bot",
        "",
        "x" * 99,
    ],
)
def test_what_is_no_person_is_no_contact(session, jid):
    remember(session, (jid, "Somebody"))

    assert known() == []


def test_four_statements_remember_people_of_many_sessions(session, django_assert_num_queries):
    sessions = [session, *(make_session(tenant=session.tenant) for _ in range(4))]
    seen = [
        Sighting(sessions[number % 5], f"1555010{number:04}@s.whatsapp.net", f"P{number}")
        for number in range(200)
    ]

    with django_assert_num_queries(4):  # three for the plan unless it was read just now
        people.remember(sightings=seen, now=NOON)

    assert [one.contacts.count() for one in sessions] == [40] * 5


@pytest.mark.django_db(transaction=True)
def test_one_person_seen_by_many_at_once_is_one_contact(race):
    session = make_session(status=SessionStatus.CONNECTED)
    seen = [(f"1555010{number:04}@s.whatsapp.net", "P") for number in range(3_000)]
    orders = iter([seen, seen[::-1]] * 3)

    results = race(6, lambda: remember(session, *next(orders)))

    assert results == [None] * 6
    assert Contact.objects.count() == 3_000


ADDRESSES = st.sampled_from([ADA, ADA_LID, "1@lid", "15550100124@s.whatsapp.net"])
PHONES = st.sampled_from(["", "15550100123"])


class AnyEntries(TestCase):
    """Whatever an engine reports, a LID stays a LID."""

    @settings(max_examples=25, deadline=None)
    @given(jids=st.lists(st.tuples(ADDRESSES, PHONES), max_size=6))
    def test_no_phone_number_is_read_out_of_a_lid(self, jids):
        session = make_session(status=SessionStatus.CONNECTED)

        for jid, phone in jids:
            remember(session, (jid, "P", phone if jid == ADA_LID else ""))
            synced(session, [ContactEntry(jid, phone=phone if jid == ADA_LID else "")])

        for jid, phone, _, _ in known():
            assert phone in {"", "15550100123", "15550100124"}
            assert jid != "1@lid" or phone == ""
        numbers = [phone for _, phone, _, _ in known() if phone]
        assert len(numbers) == len(set(numbers))


@given(st.text())
def test_any_text_can_be_stored(text):
    clean = storable.text(text, limit=50)

    assert "\x00" not in clean
    assert clean.encode().decode() == clean
    assert len(clean) <= 50
