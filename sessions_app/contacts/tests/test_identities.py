"""A LID, a phone number and a user name turn out to be one person."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction

from accounts.models import AuditEntry
from sessions_app.contacts import selectors
from sessions_app.contacts.models import Contact, ContactIdentity, ContactMerge, JidChange
from sessions_app.contacts.services import identities
from sessions_app.contacts.tests.factories import ADA, ADA_LID, NOON, make_contact
from sessions_app.engines.events import IdentityMapped
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

PHONE = "15550100123"
OTHER_LID = "999999999999999@lid"
LATER = NOON + timedelta(days=1)
_MANY_KNOWN = """
INSERT INTO contacts_contactidentity
    (session_id, jid, kind, value, source, first_seen_at, last_seen_at)
SELECT %s, person || '@lid', kind,
    CASE kind WHEN 'LID' THEN person || '@lid' ELSE (person - 5000000000)::text END,
    'contacts', %s, %s
FROM generate_series(7000010000, 7000030000) AS person, unnest(ARRAY['LID', 'PHONE']) AS kind
"""


@pytest.fixture
def session(db):
    return make_session(status=SessionStatus.CONNECTED)


def learn(session, *mapped, now=NOON):
    return identities.learn(mapped=[(session, one) for one in mapped], now=now)


def test_two_contacts_of_one_person_become_the_one_with_the_lid(session):
    goes = make_contact(session, jid=ADA, phone=PHONE, name="Mom", raw={"a": "1"})
    stays = make_contact(session, jid=ADA_LID, phone="", name="", push_name="Ada")

    assert learn(session, IdentityMapped(ADA_LID, PHONE)) == 1

    contact = Contact.objects.get()
    assert (contact.pk, contact.jid, contact.phone) == (stays.pk, ADA_LID, PHONE)
    assert (contact.name, contact.push_name, contact.raw) == ("Mom", "Ada", {"a": "1"})
    assert selectors.contact_of(session, goes.public_id) == stays
    entry = AuditEntry.objects.get(action="contact.merged")
    assert (entry.target, entry.detail) == (stays.public_id, {"merged_id": goes.public_id})


def test_a_contact_that_is_alone_gets_the_lid(session):
    known = make_contact(session, jid=ADA, phone=PHONE)

    learn(session, IdentityMapped(ADA_LID, PHONE))

    contact = Contact.objects.get()
    assert (contact.pk, contact.jid, contact.phone) == (known.pk, ADA_LID, PHONE)
    assert not ContactMerge.objects.exists()


def test_the_name_under_the_lid_goes_before_the_other(session):
    make_contact(session, jid=ADA, phone=PHONE, name="Old name", last_synced_at=NOON)
    make_contact(session, jid=ADA_LID, phone="", name="Mom")

    learn(session, IdentityMapped(ADA_LID, PHONE))

    contact = Contact.objects.get()
    assert (contact.name, contact.last_synced_at) == ("Mom", NOON)


def test_an_id_resolves_after_two_merges(session):
    first = make_contact(session, jid=ADA, phone=PHONE)
    make_contact(session, jid=ADA_LID, phone="")
    learn(session, IdentityMapped(ADA_LID, PHONE))

    assert selectors.contact_of(session, first.public_id).jid == ADA_LID
    with pytest.raises(selectors.ContactNotFound):
        selectors.contact_of(make_session(), first.public_id)


def test_a_person_who_is_no_contact_is_found_by_number_all_the_same(session):
    learn(session, IdentityMapped(ADA_LID, PHONE))

    assert not Contact.objects.exists()
    assert selectors.person_behind(session, ADA) == ADA_LID
    assert selectors.person_behind(make_session(), ADA) == ADA


def test_of_two_owners_of_a_number_the_newer_counts(session):
    before = make_contact(session, jid=ADA_LID, phone=PHONE)
    learn(session, IdentityMapped(ADA_LID, PHONE))

    learn(session, IdentityMapped(OTHER_LID, PHONE), now=LATER)

    before.refresh_from_db()
    assert before.phone == ""
    assert selectors.person_behind(session, ADA) == OTHER_LID


def test_a_person_with_a_new_number_keeps_the_old_one_as_history(session):
    contact = make_contact(session, jid=ADA_LID, phone=PHONE)
    learn(session, IdentityMapped(ADA_LID, PHONE, "ada"))

    learn(session, IdentityMapped(ADA_LID, "15550100999"), now=LATER)

    contact.refresh_from_db()
    assert contact.phone == "15550100999"
    known = selectors.identities_of(session, [ADA_LID])[ADA_LID]
    assert {(one.kind, one.value) for one in known} == {
        ("LID", ADA_LID),
        ("PHONE", PHONE),
        ("PHONE", "15550100999"),
        ("USERNAME", "ada"),
    }
    for term in (PHONE, "15550100999", "ada", "1234567890"):
        assert list(selectors.contacts_of(session, search=term)) == [contact]


def test_a_lid_is_never_taken_for_a_phone_number(session):
    assert learn(session, IdentityMapped(lid=ADA, phone=PHONE)) == 0
    assert learn(session, IdentityMapped(lid=ADA_LID)) == 0

    assert selectors.person_behind(session, "123456789012345@s.whatsapp.net").endswith(
        "@s.whatsapp.net"
    )


def test_what_is_known_costs_one_statement(session, django_assert_num_queries):
    batch = [IdentityMapped(f"{n:015}@lid", f"1555{n:07}") for n in range(500)]
    assert learn(session, *batch) == 500

    with django_assert_num_queries(1):
        assert learn(session, *batch) == 0

    assert ContactIdentity.objects.count() == 1_000
    assert JidChange.objects.count() == 500


@pytest.mark.django_db(transaction=True)
def test_two_batches_that_cross_do_not_block_each_other_for_good():
    sessions = [make_session(status=SessionStatus.CONNECTED) for _ in range(2)]
    for session in sessions:
        make_contact(session, jid=ADA, phone=PHONE)
        make_contact(session, jid=ADA_LID, phone="")
    barrier, failures = Barrier(2), []

    def run(order, lid):
        try:
            barrier.wait()
            with transaction.atomic():
                mapped = [(session, IdentityMapped(lid, PHONE)) for session in order]
                identities.learn(mapped=mapped, now=NOON)
        except Exception as error:  # noqa: BLE001 - a thread's failure is told by the test
            failures.append(error)
        finally:
            connection.close()

    threads = [
        Thread(target=run, args=(sessions, ADA_LID)),
        Thread(target=run, args=(sessions[::-1], OTHER_LID)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    owners = {selectors.person_behind(session, ADA) for session in sessions}
    assert len(owners) == 1


def test_a_page_of_names_is_not_compared_with_all_that_are_known(session):
    """In one transaction: nobody has analyzed the table when the first address book comes."""
    page = [
        IdentityMapped(f"{7_000_000_000 + one}@lid", f"{1_555_000_000 + one}")
        for one in range(2_000)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_MANY_KNOWN, [session.pk, NOON, NOON])
        cursor.execute("SET LOCAL statement_timeout = '5s'")

    assert learn(session, *page) == 2_000
    assert learn(session, *page, now=LATER) == 0
    assert session.identities.filter(last_seen_at=LATER).count() == 4_000
