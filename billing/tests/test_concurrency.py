"""Clicks, requests and jobs at once, on PostgreSQL with real threads."""

import time
from collections import Counter
from typing import ClassVar

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Account, LedgerEntry, Payment
from billing.providers import registry
from billing.providers.base import ChargeRequest, ChargeResult, Outcome
from billing.services import reconciliation, settlement
from billing.services.answers import PaymentInProgress
from billing.states import PaymentStatus
from billing.tests.factories import OutsideTransactions, enable, make_customer, make_payment
from orsta.core.outbox.models import OutboxEvent
from subscriptions.models import Subscription
from subscriptions.tests.factories import make_plan

pytestmark = pytest.mark.django_db(transaction=True)
CLICKS = 10


class SlowProvider(OutsideTransactions):
    """Takes long enough for every click to meet every other one."""

    name: ClassVar[str] = "slow"

    def charge(self, request: ChargeRequest) -> ChargeResult:
        time.sleep(0.1)
        return super().charge(request)


@pytest.fixture(autouse=True)
def _slow_provider(settings, _known_providers) -> None:
    registry.register(SlowProvider)
    settings.ORSTA_PAYMENT_PROVIDER = SlowProvider.name


def make_account_holder():
    """Return a customer whose account exists: making it at once would take turns by itself."""
    customer = make_customer()
    Account.objects.create(tenant=customer.tenant)
    return customer


@pytest.mark.parametrize("make", [make_account_holder, make_customer])
def test_b3_o2_ten_clicks_at_once_are_one_charge(race, make):
    customer = make()

    results = race(CLICKS, lambda: enable(customer, now=timezone.now()))

    charged = [one for one in results if getattr(one, "charged_minor", 0)]
    refused = [one for one in results if isinstance(one, PaymentInProgress)]
    free = [one for one in results if getattr(one, "charged_minor", None) == 0]
    assert len(charged) == 1
    assert len(charged) + len(refused) + len(free) == CLICKS
    assert len(SlowProvider.charges) == 1
    assert Payment.objects.count() == 1
    assert LedgerEntry.objects.count() == 1


def test_clicks_that_keep_coming_are_one_charge(race):
    customer = make_account_holder()

    def impatient() -> None:
        for _ in range(4):
            try:
                enable(customer, now=timezone.now())
            except PaymentInProgress:
                time.sleep(0.03)

    assert race(CLICKS, impatient) == [None] * CLICKS
    assert len(SlowProvider.charges) == 1
    assert LedgerEntry.objects.count() == 1


def test_ten_equal_requests_with_one_key_are_one_charge_and_one_answer(race):
    customer = make_account_holder()

    def post():
        return Client().post(
            "/billing/enable-api-key",
            {"amount": 9.99},
            content_type="application/json",
            headers={
                "Authorization": f"Bearer {customer.token}",
                "Idempotency-Key": "one-click",
            },
        )

    responses = race(CLICKS, post)

    statuses = Counter(response.status_code for response in responses)
    assert set(statuses) <= {200, 409}
    assert statuses[200] >= 1
    bodies = {response.content for response in responses if response.status_code == 200}
    assert len(bodies) == 1
    assert len(SlowProvider.charges) == 1
    assert LedgerEntry.objects.count() == 1
    replay = post()
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert replay.content in bodies


def test_response_and_reconciliation_settle_once_between_them(race):
    customer = make_customer()
    payment = make_payment(customer, provider="outside")
    result = OutsideTransactions().lookup(
        ChargeRequest(payment.public_id, payment.amount_minor, payment.currency)
    )

    def settle_somehow():
        settlement.settle(payment=payment, result=result, now=timezone.now())
        reconciliation.reconcile(now=timezone.now() + reconciliation.PATIENCE)

    assert race(CLICKS, settle_somehow) == [None] * CLICKS
    assert LedgerEntry.objects.count() == 1
    assert OutboxEvent.objects.filter(name="payment.succeeded").count() == 1
    subscription = Subscription.objects.get()
    assert (subscription.ends_at - subscription.starts_at).days == 30


def test_a_success_and_a_decline_at_once_leave_one_truth(race):
    payment = make_payment(make_customer())
    results = iter(
        [ChargeResult(Outcome.SUCCEEDED), ChargeResult(Outcome.DECLINED, reason="No.")] * 5
    )

    race(
        CLICKS,
        lambda: settlement.settle(payment=payment, result=next(results), now=timezone.now()),
    )

    payment.refresh_from_db()
    assert payment.status == PaymentStatus.SUCCEEDED
    assert LedgerEntry.objects.count() == 1


def test_tenants_pay_independently_of_each_other(race):
    make_plan()
    customers = [make_customer() for _ in range(CLICKS)]
    turn = iter(customers)

    results = race(CLICKS, lambda: enable(next(turn), now=timezone.now()))

    assert [one.charged_minor for one in results] == [999] * CLICKS
    assert LedgerEntry.objects.count() == CLICKS
