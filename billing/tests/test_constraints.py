"""What the database refuses, whatever the code does."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.models import LedgerEntry, Payment
from billing.tests.factories import enable, make_customer, make_payment

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("change", [{"amount_minor": 0}, {"status": "LOST"}])
def test_a_senseless_payment_is_refused(change):
    customer = make_customer()

    with pytest.raises(IntegrityError):
        make_payment(customer, **change)


def test_an_account_has_one_pending_payment():
    customer = make_customer()
    make_payment(customer)

    with pytest.raises(IntegrityError, match="payment_one_pending"):
        make_payment(customer, buys="another period")


def test_a_period_is_sold_once():
    customer = make_customer()
    make_payment(customer, status="SUCCEEDED")

    with pytest.raises(IntegrityError, match="payment_once_per_period"):
        make_payment(customer)


def test_a_failed_payment_leaves_its_period_for_sale():
    customer = make_customer()
    make_payment(customer, status="FAILED")

    make_payment(customer)

    assert Payment.objects.count() == 2


def test_a_charge_of_the_provider_belongs_to_one_payment():
    make_payment(make_customer(), provider_ref="txn_1")
    other = make_customer()

    with pytest.raises(IntegrityError, match="payment_ref_once"):
        make_payment(other, provider_ref="txn_1")


def test_a_payment_has_one_entry_of_a_kind():
    enable(make_customer(), now=timezone.now())
    entry = LedgerEntry.objects.get()
    entry.pk = None

    with pytest.raises(IntegrityError, match="ledger_once_per_payment"):
        entry.save()


@pytest.mark.parametrize(
    "change",
    [
        lambda: LedgerEntry.objects.update(amount_minor=1),
        lambda: LedgerEntry.objects.get().delete(),
        lambda: LedgerEntry.objects.all().delete(),
    ],
)
def test_the_ledger_only_grows(change):
    enable(make_customer(), now=timezone.now())
    before = LedgerEntry.objects.values().get()

    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        change()

    assert LedgerEntry.objects.values().get() == before
