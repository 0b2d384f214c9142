"""The same `Idempotency-Key` twice is one payment and one answer, for thirty days."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import keys
from billing import tasks
from billing.models import KeptAnswer, Payment
from billing.services import answers, payments
from billing.tests.factories import enable, make_customer
from subscriptions.tests.factories import make_plan

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LATER = NOW + answers.KEEP_KEYS + timedelta(hours=1)  # rows are stamped as they are written
SAME = {"idempotency_key": "k1", "fingerprint": "f1"}


def test_a_repeated_request_gets_the_first_answer(watched):
    customer = make_customer()
    first = enable(customer, now=NOW, **SAME)

    again = enable(customer, now=NOW + timedelta(days=29), **SAME)

    assert again == answers.Activation(
        first.payment, 999, "USD", "watched", "API key activated", replayed=True
    )
    assert len(watched.charges) == 1


def test_a_repeat_is_answered_even_when_the_price_has_changed():
    customer = make_customer()
    enable(customer, now=NOW, amount=9.99, **SAME)
    make_plan(price_minor=1999)

    assert enable(customer, now=NOW, amount=9.99, **SAME).charged_minor == 999


def test_a_repeated_decline_is_declined_again(watched):
    customer = make_customer()
    with pytest.raises(answers.PaymentDeclined) as first:
        enable(customer, now=NOW, payment_method="tok_declined", **SAME)

    with pytest.raises(answers.PaymentDeclined) as again:
        enable(customer, now=NOW, payment_method="tok_declined", **SAME)

    assert again.value.details == first.value.details
    assert (first.value.replayed, again.value.replayed) == (False, True)
    assert len(watched.charges) == 1


def test_another_request_with_the_key_is_refused(watched):
    customer = make_customer()
    enable(customer, now=NOW, **SAME)

    with pytest.raises(answers.KeyReused):
        enable(customer, now=NOW, idempotency_key="k1", fingerprint="other")

    assert len(watched.charges) == 1


def test_a_repeat_while_the_outcome_is_unknown_is_in_progress(watched):
    customer = make_customer()
    with pytest.raises(payments.PaymentOutcomeUnknown):
        enable(customer, now=NOW, payment_method="tok_timeout", **SAME)

    with pytest.raises(answers.PaymentInProgress):
        enable(customer, now=NOW, payment_method="tok_timeout", **SAME)

    assert len(watched.charges) == 1


def test_an_answer_without_a_charge_is_kept_as_well(watched):
    customer = make_customer()
    enable(customer, now=NOW)
    keys.deactivate(tenant=customer.tenant, now=NOW)
    first = enable(customer, now=NOW, **SAME)

    again = enable(customer, now=NOW, **SAME)

    assert (first.message, again.message) == ("API key activated", "API key activated")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.payment == first.payment
    with pytest.raises(answers.KeyReused):
        enable(customer, now=NOW, idempotency_key="k1", fingerprint="other")


def test_a_kept_answer_never_turns_into_a_charge(watched):
    customer = make_customer()
    enable(customer, now=NOW)
    middle = NOW + timedelta(days=15)
    enable(customer, now=middle, **SAME)

    again = enable(customer, now=NOW + timedelta(days=31), **SAME)

    assert (again.charged_minor, again.replayed) == (0, True)
    assert len(watched.charges) == 1


def test_two_tenants_may_use_the_same_key(watched):
    enable(make_customer(), now=NOW, **SAME)
    enable(make_customer(), now=NOW, **SAME)

    assert len(watched.charges) == 2


def test_a_key_is_new_again_after_thirty_days(watched):
    customer = make_customer()
    enable(customer, now=NOW, **SAME)

    activation = enable(customer, now=LATER, **SAME)

    assert (activation.charged_minor, activation.replayed) == (999, False)
    assert len(watched.charges) == 2


def test_old_keys_are_forgotten_and_their_payments_stay():
    customer = make_customer()
    enable(customer, now=NOW, **SAME)
    enable(customer, now=NOW, idempotency_key="k2", fingerprint="f2")
    old = timezone.now() - answers.KEEP_KEYS
    Payment.objects.update(created_at=old)
    KeptAnswer.objects.update(created_at=old)

    tasks.forget_keys(unknown_keyword=True)

    assert Payment.objects.get().idempotency_key == ""
    assert not KeptAnswer.objects.exists()


def test_a_request_forgets_the_old_keys_of_its_own_tenant_only():
    customer, other = make_customer(), make_customer()
    for one in (customer, other):
        enable(one, now=NOW, **SAME)

    enable(customer, now=LATER, **SAME)

    assert Payment.objects.get(tenant=other.tenant).idempotency_key == "k1"


def test_young_keys_are_not_forgotten():
    customer = make_customer()
    enable(customer, now=NOW, **SAME)
    enable(customer, now=NOW, idempotency_key="k2", fingerprint="f2")

    tasks.forget_keys()

    assert Payment.objects.get().idempotency_key == "k1"
    assert KeptAnswer.objects.get().idempotency_key == "k2"
