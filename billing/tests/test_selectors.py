"""Sums come from the ledger."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from billing import selectors
from billing.models import LedgerEntry
from billing.selectors import Summary
from billing.states import LedgerKind
from billing.tests.factories import enable, make_customer, make_payment
from subscriptions.tests.factories import make_plan

pytestmark = pytest.mark.django_db
NOW = timezone.now()
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
_days = iter(range(10_000))


def make_entry(customer, at: datetime, minor: int = 999, currency: str = "USD") -> None:
    payment = make_payment(customer, buys=f"{next(_days)}", status="SUCCEEDED")
    LedgerEntry.objects.create(
        tenant=customer.tenant,
        payment=payment,
        kind=LedgerKind.CHARGE,
        amount_minor=minor,
        currency=currency,
        at=at,
    )


def test_a_new_customer_has_paid_nothing():
    summary = selectors.summary(tenant=make_customer().tenant, now=NOW)

    assert summary == Summary(0, 0, 0, 0.0, "USD")


def test_the_hourly_consumption_is_of_the_last_thirty_days():
    customer = make_customer()
    make_entry(customer, NOW - timedelta(days=31), 5000)
    make_entry(customer, NOW - timedelta(days=29), 720)
    make_entry(customer, NOW - timedelta(days=1), 1440)

    summary = selectors.summary(tenant=customer.tenant, now=NOW)

    assert summary == Summary(0, 1440, 7160, 3.0, "USD")


def test_a_summary_never_adds_two_currencies():
    customer = make_customer()
    enable(customer, now=NOW - timedelta(days=31))
    make_plan(currency="EUR", price_minor=899)
    enable(customer, now=NOW)

    summary = selectors.summary(tenant=customer.tenant, now=NOW)

    assert (summary.currency, summary.total_minor) == ("EUR", 899)


def test_revenue_is_grouped_by_utc_day_and_currency():
    first, second = make_customer(), make_customer()
    make_entry(first, JUNE)
    make_entry(second, JUNE + timedelta(hours=23, minutes=59))
    make_entry(first, JUNE + timedelta(days=1), 500, "EUR")
    make_entry(first, JUNE + timedelta(days=1), 100)
    make_entry(first, JUNE + timedelta(days=2))

    days = selectors.revenue_by_day(since=JUNE, until=JUNE + timedelta(days=2))

    assert days == [
        (date(2026, 6, 1), "USD", 1998),
        (date(2026, 6, 2), "EUR", 500),
        (date(2026, 6, 2), "USD", 100),
    ]


def test_total_revenue_is_per_currency_from_a_moment_on():
    customer = make_customer()
    make_entry(customer, JUNE - timedelta(seconds=1))
    make_entry(customer, JUNE)
    make_entry(customer, JUNE, 500, "EUR")

    assert selectors.revenue_total(since=JUNE) == {"EUR": 500, "USD": 999}


def test_the_last_charge_is_the_newest_that_succeeded():
    customer = make_customer()
    paid = make_payment(customer, status="SUCCEEDED")
    make_payment(customer, status="FAILED", buys="later")

    assert selectors.last_charge(tenant=customer.tenant) == paid
    assert selectors.last_charge(tenant=make_customer().tenant) is None


def test_payments_are_listed_newest_first_and_only_the_tenants_own():
    customer = make_customer()
    payments = [make_payment(customer, status="FAILED", buys=f"{n}") for n in range(3)]
    make_payment(make_customer())

    found = selectors.payments_of(tenant=customer.tenant, limit=2)

    assert found == [payments[2], payments[1]]
