"""Verifying an address: a code or a link, once, for an hour, five tries at the code."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import tasks
from accounts.models import EmailProof, LinkPurpose, Mail, User
from accounts.services import people, proofs, signup, verification
from accounts.services.proofs import Shown
from accounts.tests.factories import PASSWORD, make_user
from accounts.tests.mailbox import NOW, mailed, wrong
from orsta.core.errors import LimitReached
from orsta.core.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


def test_a_sign_up_mails_a_code_and_a_link(settings):
    signup.sign_up(username="alice", email="alice@example.com", password=PASSWORD, now=NOW)

    row = Mail.objects.get()
    context = json.loads(row.context)
    assert (row.template, row.to) == ("verify_email", "alice@example.com")
    assert len(context["code"]) == 6
    assert context["url"].startswith(f"{settings.ORSTA_PUBLIC_URL}/console/verify#orl_")
    assert User.objects.get().email_verified_at is None


def test_the_code_verifies_the_address():
    alice = make_user()
    code, _ = mailed(alice)

    verification.verify(shown=Shown(code=code, email=alice.email.upper()), now=NOW)

    alice.refresh_from_db()
    assert alice.email_verified_at == NOW


def test_the_code_may_be_typed_with_spaces():
    alice = make_user()
    code, _ = mailed(alice)

    verified = verification.verify(
        shown=Shown(code=f" {code[:3]} {code[3:]} ", email=alice.email), now=NOW
    )

    assert verified == alice


def test_the_link_verifies_the_address():
    alice = make_user()
    _, token = mailed(alice)

    assert verification.verify(shown=Shown(token=token), now=NOW) == alice


def test_a_proof_works_once_whichever_half_is_shown():
    alice = make_user()
    code, token = mailed(alice)
    verification.verify(shown=Shown(token=token), now=NOW)

    for shown in (Shown(token=token), Shown(code=code, email=alice.email)):
        with pytest.raises(proofs.InvalidProof):
            verification.verify(shown=shown, now=NOW)


def test_a_proof_ends_after_an_hour():
    alice = make_user()
    code, token = mailed(alice)
    end = NOW + timedelta(hours=1)

    for shown in (Shown(token=token), Shown(code=code, email=alice.email)):
        with pytest.raises(proofs.InvalidProof):
            verification.verify(shown=shown, now=end)

    assert verification.verify(shown=Shown(token=token), now=end - timedelta(seconds=1))


def test_anna9_after_five_wrong_codes_the_right_one_is_dead():
    alice = make_user()
    code, _ = mailed(alice)
    for _ in range(5):
        with pytest.raises(proofs.InvalidProof):
            verification.verify(shown=Shown(code=wrong(code), email=alice.email), now=NOW)

    with pytest.raises(proofs.InvalidProof):
        verification.verify(shown=Shown(code=code, email=alice.email), now=NOW)

    alice.refresh_from_db()
    assert alice.email_verified_at is None
    assert EmailProof.objects.get().attempts == 5


@pytest.mark.django_db(transaction=True)
def test_anna9_of_eight_guesses_at_once_five_are_looked_at(race):
    alice = make_user()
    code, _ = mailed(alice)

    race(
        8,
        lambda: verification.verify(shown=Shown(code=wrong(code), email=alice.email), now=NOW),
    )

    assert EmailProof.objects.get().attempts == 5


def test_anna9_codes_are_stored_as_digests_bound_to_person_and_purpose():
    alice, bob = make_user(), make_user()
    code, token = mailed(alice)
    stored = str(vars(EmailProof.objects.get()))
    assert code not in stored
    assert token.split("_")[2] not in stored

    mailed(bob)
    mailed(alice, LinkPurpose.RESET)
    with pytest.raises(proofs.InvalidProof):
        verification.verify(shown=Shown(code=code, email=bob.email), now=NOW)
    with pytest.raises(proofs.InvalidProof):
        proofs.take(
            shown=Shown(code=code, email=alice.email), purpose=LinkPurpose.RESET, now=NOW
        )


def test_anna9_no_code_and_no_token_is_in_an_event():
    alice = make_user()
    code, token = mailed(alice)

    payloads = str(list(OutboxEvent.objects.values_list("payload", flat=True)))
    assert code not in payloads
    assert token not in payloads


def test_a_new_code_replaces_the_one_before():
    alice = make_user()
    old, old_token = mailed(alice)
    new, _ = mailed(alice)

    with pytest.raises(proofs.InvalidProof):
        verification.verify(shown=Shown(token=old_token), now=NOW)
    if old != new:
        with pytest.raises(proofs.InvalidProof):
            verification.verify(shown=Shown(code=old, email=alice.email), now=NOW)
    assert verification.verify(shown=Shown(code=new, email=alice.email), now=NOW) == alice


def test_a_proof_of_an_address_that_changed_since_opens_nothing():
    alice = make_user()
    code, token = mailed(alice)
    alice.email = "new@example.com"
    alice.save()

    for shown in (Shown(token=token), Shown(code=code, email="new@example.com")):
        with pytest.raises(proofs.InvalidProof):
            verification.verify(shown=shown, now=NOW)


def test_whoever_is_shut_out_verifies_nothing_and_gets_no_mail():
    alice = make_user()
    _, token = mailed(alice)
    people.deactivate(user=alice, now=NOW)

    with pytest.raises(proofs.InvalidProof):
        verification.verify(shown=Shown(token=token), now=NOW)

    Mail.objects.all().delete()
    proofs.issue(user=alice, purpose=LinkPurpose.VERIFY, now=NOW)
    assert not Mail.objects.exists()


def test_a_verified_address_gets_no_more_codes():
    alice = make_user(email_verified_at=NOW)

    proofs.issue(user=alice, purpose=LinkPurpose.VERIFY, now=NOW)

    assert not Mail.objects.exists()


def test_asking_again_mails_another_code(drain_outbox):
    alice = make_user()

    verification.ask_again(email=f" {alice.email.upper()}")
    event = OutboxEvent.objects.get(name="email_proof.asked")
    tasks.issue_proof(**event.payload)

    assert Mail.objects.get().to == alice.email


def test_anna9_asking_for_an_unknown_address_is_the_same_work():
    """One read and one event either way; a worker does the rest."""
    alice = make_user()
    statements = []
    for email in (alice.email, "nobody@example.com"):
        with CaptureQueriesContext(connection) as queries:
            verification.ask_again(email=email)
        statements.append([query["sql"].split()[0] for query in queries])

    assert statements[0] == statements[1]
    assert OutboxEvent.objects.filter(name="email_proof.asked").count() == 2
    nobody = OutboxEvent.objects.latest("pk")
    assert nobody.payload == {"user_id": "", "purpose": "VERIFY"}
    assert not Mail.objects.exists()


def test_a_proof_asked_for_an_address_without_account_mails_nothing():
    tasks.issue_proof(user_id="", purpose="VERIFY")
    tasks.issue_proof(user_id="usr_00000000000000000000000000", purpose="RESET")

    assert not Mail.objects.exists()


def test_b8_an_address_is_mailed_five_times_an_hour():
    for _ in range(5):
        verification.ask_again(email="nobody@example.com")

    with pytest.raises(LimitReached) as refusal:
        verification.ask_again(email="NOBODY@example.com ")

    assert 0 < refusal.value.details["retry_after"] <= 3600


@pytest.mark.django_db(transaction=True)
def test_of_eight_issued_at_once_one_proof_is_open(race):
    alice = make_user()

    results = race(8, lambda: proofs.issue(user=alice, purpose=LinkPurpose.VERIFY, now=NOW))

    assert results == [None] * 8
    assert EmailProof.objects.filter(used_at=None).count() == 1
