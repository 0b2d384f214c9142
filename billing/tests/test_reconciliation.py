"""What nobody wrote down is asked for, recorded once, and never charged again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from billing import tasks
from billing.models import LedgerEntry, Payment
from billing.providers import registry
from billing.providers.base import ChargeResult, Outcome, ProviderUnavailable
from billing.services import payments, reconciliation, settlement
from billing.services.answers import PaymentInProgress
from billing.states import PaymentStatus
from billing.tests.factories import (
    Crash,
    WatchedProvider,
    enable,
    is_on,
    make_customer,
    make_payment,
)
from subscriptions.models import Subscription

pytestmark = pytest.mark.django_db


def soon():
    """Return a moment at which a payment made now is old enough."""
    return timezone.now() + reconciliation.PATIENCE


class SilentProvider(WatchedProvider):
    name = "silent"

    def lookup(self, request):
        raise ProviderUnavailable


class BrokenProvider(WatchedProvider):
    name = "broken"

    def lookup(self, request):
        raise ValueError("an answer nobody expected")


def test_an_unanswered_charge_that_succeeded_turns_the_key_on_once(watched):
    customer = make_customer()
    with pytest.raises(payments.PaymentOutcomeUnknown):
        enable(customer, now=timezone.now(), payment_method="tok_timeout")

    settled = [reconciliation.reconcile(now=soon()), reconciliation.reconcile(now=soon())]

    assert settled == [1, 0]
    assert Payment.objects.get().status == PaymentStatus.SUCCEEDED
    assert LedgerEntry.objects.get().amount_minor == 999
    assert is_on(customer)
    assert (len(watched.charges), len(watched.lookups)) == (1, 1)


def test_a_charge_that_never_arrived_fails_and_frees_the_way(watched):
    customer = make_customer()
    with pytest.raises(payments.PaymentOutcomeUnknown):
        enable(customer, now=timezone.now(), payment_method="tok_lost")

    reconciliation.reconcile(now=soon())

    payment = Payment.objects.get()
    assert payment.status == PaymentStatus.FAILED
    assert payment.failure_reason == "The payment provider never received the charge."
    assert not is_on(customer)
    assert enable(customer, now=timezone.now()).charged_minor == 999


@pytest.mark.parametrize("token", ["tok_declined", "tok_insufficient_funds"])
def test_a_decline_nobody_wrote_down_is_recorded_as_one(token):
    customer = make_customer()
    make_payment(customer, payment_method=token)

    reconciliation.reconcile(now=soon())

    assert Payment.objects.get().status == PaymentStatus.FAILED
    assert not LedgerEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_b3_o2_a_crash_between_charge_and_settlement_is_finished_without_a_second_charge(
    settings,
):
    settings.ORSTA_PAYMENT_PROVIDER = "crashing"
    customer = make_customer()
    with pytest.raises(Crash):
        enable(customer, now=timezone.now(), idempotency_key="k1", fingerprint="f1")
    [charge] = WatchedProvider.charges
    assert Payment.objects.get().status == PaymentStatus.PENDING

    for options in ({}, {"idempotency_key": "k1", "fingerprint": "f1"}):
        with pytest.raises(PaymentInProgress):
            enable(customer, now=timezone.now(), **options)
    reconciliation.reconcile(now=soon())

    payment = Payment.objects.get()
    assert payment.status == PaymentStatus.SUCCEEDED
    assert [request.reference for request in WatchedProvider.charges] == [charge.reference]
    assert WatchedProvider.lookups == [charge]
    assert LedgerEntry.objects.count() == 1
    assert is_on(customer)
    replayed = enable(customer, now=timezone.now(), idempotency_key="k1", fingerprint="f1")
    assert (replayed.charged_minor, replayed.replayed) == (999, True)


def test_a_reconciled_payment_is_asked_for_outside_any_transaction(transactional_db):
    make_payment(make_customer(), provider="outside")

    assert reconciliation.reconcile(now=soon()) == 1


def test_a_young_payment_is_left_to_its_own_call(watched):
    make_payment(make_customer(), provider="watched")

    settled = reconciliation.reconcile(now=soon() - timedelta(seconds=1))

    assert settled == 0
    assert watched.lookups == []
    assert Payment.objects.get().status == PaymentStatus.PENDING


@pytest.mark.parametrize("provider", [SilentProvider, BrokenProvider])
def test_a_payment_that_can_not_settle_does_not_stop_the_others(provider):
    registry.register(provider)
    stuck = make_payment(make_customer(), provider=provider.name)
    other = make_payment(make_customer())

    settled = reconciliation.reconcile(now=soon())

    assert settled == 1
    statuses = dict(Payment.objects.values_list("public_id", "status"))
    assert statuses == {
        stuck.public_id: PaymentStatus.PENDING,
        other.public_id: PaymentStatus.SUCCEEDED,
    }


def test_a_payment_without_its_buyer_is_settled_by_the_system():
    make_payment(make_customer(), requested_by=None)

    reconciliation.reconcile(now=soon())

    assert AuditEntry.objects.get(action="payment.succeeded").actor == "system"


def test_the_task_reconciles():
    payment = make_payment(make_customer())
    Payment.objects.update(created_at=timezone.now() - reconciliation.PATIENCE)

    tasks.reconcile_payments(unknown_keyword=True)

    payment.refresh_from_db()
    assert payment.status == PaymentStatus.SUCCEEDED


def test_a_settled_payment_is_not_asked_for_again(watched):
    payment = make_payment(make_customer(), provider="watched")
    payment = settlement.settle(
        payment=payment, result=ChargeResult(Outcome.SUCCEEDED), now=timezone.now()
    )

    with pytest.raises(reconciliation.NotPending):
        reconciliation.reconcile_one(payment=payment, now=soon())

    assert watched.lookups == []


def test_a_silent_provider_leaves_the_payment_pending():
    registry.register(SilentProvider)
    payment = make_payment(make_customer(), provider="silent")

    with pytest.raises(reconciliation.StillUnknown):
        reconciliation.reconcile_one(payment=payment, now=soon())

    assert Payment.objects.get().status == PaymentStatus.PENDING
    assert Subscription.objects.count() == 0
