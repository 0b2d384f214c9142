"""Paying turns the key on: once, at the plan's price, or not at all."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.services import keys
from accounts.tests.factories import make_login, make_tenant
from billing.models import LedgerEntry, Payment
from billing.services import answers, payments
from billing.states import PaymentStatus
from billing.tests.factories import enable, is_on, make_customer, payment_events
from orsta.core.outbox.models import OutboxEvent
from subscriptions import selectors as subscriptions_selectors
from subscriptions.models import Subscription
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MONTH = timedelta(days=30)


def test_paying_charges_the_plans_price_and_turns_the_key_on(watched):
    customer = make_customer()

    activation = enable(customer, now=NOW)

    payment = Payment.objects.get()
    assert activation == answers.Activation(
        payment, 999, "USD", "watched", "API key activated", replayed=False
    )
    assert payment.status == PaymentStatus.SUCCEEDED
    assert payment.provider_ref.startswith("txn_")
    assert payment.settled_at == NOW
    [charge] = watched.charges
    assert (charge.reference, charge.amount_minor) == (payment.public_id, 999)
    assert is_on(customer)
    assert Subscription.objects.get().ends_at == NOW + MONTH


def test_a_charge_is_one_ledger_entry_an_event_and_an_audit_entry():
    customer = make_customer()

    enable(customer, now=NOW)

    payment = Payment.objects.get()
    entry = LedgerEntry.objects.get()
    assert (entry.payment, entry.amount_minor, entry.currency) == (payment, 999, "USD")
    assert entry.at == NOW
    event = OutboxEvent.objects.get(name="payment.succeeded")
    assert event.shard == f"tenant:{customer.tenant.public_id}"
    assert event.payload["payment_id"] == payment.public_id
    audit = AuditEntry.objects.get(action="payment.succeeded")
    assert (audit.actor, audit.target) == (customer.user.public_id, payment.public_id)


def test_the_provider_is_called_outside_any_transaction(transactional_db, settings):
    settings.ORSTA_PAYMENT_PROVIDER = "outside"
    customer = make_customer()

    enable(customer, now=NOW)

    assert Payment.objects.get().status == PaymentStatus.SUCCEEDED


def test_a_caller_with_an_open_transaction_is_refused_before_any_charge(
    transactional_db, watched
):
    customer = make_customer()

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        enable(customer, now=NOW)

    assert watched.charges == []


@pytest.mark.parametrize("amount", [9.99, None])
def test_the_plans_price_may_be_named_or_left_out(amount):
    enable(make_customer(), now=NOW, amount=amount)

    assert LedgerEntry.objects.get().amount_minor == 999


@pytest.mark.parametrize(
    "amount", [0, 0.01, -9.99, 9.98, 9.999, 999, 1e300, 10**40, float("nan"), float("inf")]
)
def test_b2_o1_the_caller_does_not_set_the_price(watched, amount):
    customer = make_customer()

    with pytest.raises(payments.AmountMismatch, match=r"9\.99 USD") as refusal:
        enable(customer, now=NOW, amount=amount)

    assert refusal.value.details == {"price": 9.99, "price_minor": 999, "currency": "USD"}
    assert watched.charges == []
    assert not Payment.objects.exists()
    assert not is_on(customer)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("tok_declined", "The card was declined."),
        ("tok_insufficient_funds", "The card has insufficient funds."),
    ],
)
def test_a_decline_changes_nothing_but_its_own_payment(token, reason):
    customer = make_customer()

    with pytest.raises(answers.PaymentDeclined) as refusal:
        enable(customer, now=NOW, payment_method=token)

    payment = Payment.objects.get()
    assert (payment.status, payment.failure_reason) == (PaymentStatus.FAILED, reason)
    assert refusal.value.details == {
        "error": "Payment failed",
        "reason": reason,
        "provider": "sandbox",
        "payment_id": payment.public_id,
    }
    assert not LedgerEntry.objects.exists()
    assert not Subscription.objects.exists()
    assert not is_on(customer)
    assert payment_events() == ["payment.failed"]


def test_after_a_decline_another_payment_method_works():
    customer = make_customer()
    with pytest.raises(answers.PaymentDeclined):
        enable(customer, now=NOW, payment_method="tok_declined")

    enable(customer, now=NOW, payment_method="tok_ok")

    assert is_on(customer)
    assert LedgerEntry.objects.count() == 1


def test_within_a_paid_period_nothing_is_charged_again(watched):
    customer = make_customer()
    first = enable(customer, now=NOW)

    again = enable(customer, now=NOW + timedelta(days=29))

    assert again == answers.Activation(
        first.payment, 0, "USD", "watched", "API key already active"
    )
    assert len(watched.charges) == 1
    assert Subscription.objects.get().ends_at == NOW + MONTH


def test_a_key_turned_off_within_a_paid_period_comes_back_for_free(watched):
    customer = make_customer()
    first = enable(customer, now=NOW)
    keys.deactivate(tenant=customer.tenant, now=NOW)

    again = enable(customer, now=NOW)

    assert (again.charged_minor, again.message) == (0, "API key activated")
    assert again.payment == first.payment
    assert len(watched.charges) == 1
    assert is_on(customer)


def test_a_paid_period_needs_no_plan_for_sale():
    customer = make_customer()
    enable(customer, now=NOW)
    keys.deactivate(tenant=customer.tenant, now=NOW)
    make_plan(is_active=False)

    assert enable(customer, now=NOW).charged_minor == 0
    assert is_on(customer)


def test_a_granted_period_needs_no_payment(watched):
    customer = make_customer()
    subscribe(customer.tenant, now=NOW)

    activation = enable(customer, now=NOW)

    assert activation == answers.Activation(None, 0, "USD", "watched", "API key activated")
    assert watched.charges == []


def test_after_the_period_the_next_one_is_charged(watched):
    customer = make_customer()
    enable(customer, now=NOW)
    later = NOW + MONTH

    activation = enable(customer, now=later)

    assert activation.charged_minor == 999
    assert len(watched.charges) == 2
    assert Subscription.objects.get().ends_at == later + MONTH


def test_a_new_price_leaves_past_payments_alone():
    customer = make_customer()
    enable(customer, now=NOW)
    make_plan(price_minor=1999)

    enable(customer, now=NOW + MONTH)

    amounts = LedgerEntry.objects.order_by("pk").values_list("amount_minor", flat=True)
    assert list(amounts) == [999, 1999]
    assert list(Payment.objects.order_by("pk").values_list("amount_minor", flat=True)) == [
        999,
        1999,
    ]


def test_without_a_plan_for_sale_nothing_is_charged(watched):
    customer = make_customer()
    make_plan(is_active=False)

    with pytest.raises(subscriptions_selectors.NoPlanForSale):
        enable(customer, now=NOW)

    assert watched.charges == []


def test_without_a_key_to_turn_on_nothing_is_charged(watched):
    make_plan()
    customer = make_login(make_tenant())

    with pytest.raises(keys.NoApiKey):
        enable(customer, now=NOW)

    assert watched.charges == []
    assert not Payment.objects.exists()


def test_an_unanswered_charge_stays_pending_and_says_so():
    customer = make_customer()

    with pytest.raises(payments.PaymentOutcomeUnknown) as unknown:
        enable(customer, now=NOW, payment_method="tok_timeout")

    payment = Payment.objects.get()
    assert payment.status == PaymentStatus.PENDING
    assert unknown.value.details == {"retry_after": 120, "payment_id": payment.public_id}
    assert not is_on(customer)
    assert not LedgerEntry.objects.exists()


def test_while_a_payment_is_pending_another_click_is_told_so(watched):
    customer = make_customer()
    with pytest.raises(payments.PaymentOutcomeUnknown):
        enable(customer, now=NOW, payment_method="tok_timeout")

    with pytest.raises(answers.PaymentInProgress):
        enable(customer, now=NOW, payment_method="tok_ok")

    assert len(watched.charges) == 1
    assert Payment.objects.count() == 1


def test_one_tenants_payment_does_not_block_another():
    first, second = make_customer(), make_customer()
    with pytest.raises(payments.PaymentOutcomeUnknown):
        enable(first, now=NOW, payment_method="tok_timeout")

    enable(second, now=NOW)

    assert is_on(second)
