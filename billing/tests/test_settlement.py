"""The provider's word is written down once, with everything that follows from it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import selectors as accounts_selectors
from billing.models import LedgerEntry, Payment
from billing.providers.base import ChargeResult, Outcome
from billing.services import settlement
from billing.states import PaymentStatus
from billing.tests.factories import (
    enable,
    is_on,
    make_customer,
    make_payment,
    payment_events,
)
from subscriptions.models import Subscription

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MONTH = timedelta(days=30)


def test_settling_twice_records_once():
    customer = make_customer()
    payment = make_payment(customer)
    result = ChargeResult(Outcome.SUCCEEDED, provider_ref="txn_1")

    settlement.settle(payment=payment, result=result, now=NOW)
    again = settlement.settle(payment=payment, result=result, now=NOW + timedelta(days=1))

    assert (again.status, again.settled_at) == (PaymentStatus.SUCCEEDED, NOW)
    assert LedgerEntry.objects.count() == 1
    assert Subscription.objects.get().ends_at == NOW + MONTH
    assert payment_events() == ["payment.succeeded"]


def test_a_decline_after_a_success_takes_nothing_back():
    customer = make_customer()
    payment = make_payment(customer)
    settlement.settle(payment=payment, result=ChargeResult(Outcome.SUCCEEDED), now=NOW)

    settled = settlement.settle(
        payment=payment, result=ChargeResult(Outcome.DECLINED, reason="No."), now=NOW
    )

    assert settled.status == PaymentStatus.SUCCEEDED
    assert settled.failure_reason == ""
    assert is_on(customer)


def test_money_found_after_it_was_given_up_is_recorded_and_buys_its_own_period():
    customer = make_customer()
    given_up = make_payment(customer)
    settlement.settle(payment=given_up, result=ChargeResult(Outcome.DECLINED), now=NOW)
    enable(customer, now=NOW)

    settlement.settle(payment=given_up, result=ChargeResult(Outcome.SUCCEEDED), now=NOW)

    assert LedgerEntry.objects.count() == 2
    assert Subscription.objects.get().ends_at == NOW + 2 * MONTH


def test_money_is_booked_even_if_the_key_is_gone_when_it_arrives():
    customer = make_customer()
    payment = make_payment(customer)
    accounts_selectors.current_api_key(tenant=customer.tenant).delete()

    settlement.settle(payment=payment, result=ChargeResult(Outcome.SUCCEEDED), now=NOW)

    assert LedgerEntry.objects.get().amount_minor == 999
    assert Subscription.objects.get().ends_at == NOW + MONTH


def test_a_settlement_that_fails_half_way_leaves_nothing_behind(monkeypatch):
    customer = make_customer()

    def broken(**_: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(settlement.keys, "activate", broken)

    with pytest.raises(RuntimeError):
        enable(customer, now=NOW)

    assert Payment.objects.get().status == PaymentStatus.PENDING
    assert not LedgerEntry.objects.exists()
    assert not Subscription.objects.exists()
    assert payment_events() == []
