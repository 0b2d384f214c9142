"""Builders of paying customers, and providers that can be watched."""

from typing import ClassVar

from django.db import connection

from accounts.models import Tenant
from accounts.tests.factories import Login, make_api_key, make_login, make_tenant, owner_of
from billing.models import Account, Payment
from billing.providers.base import ChargeRequest, ChargeResult
from billing.providers.sandbox import SandboxProvider
from billing.services import payments
from orsta.core.outbox.models import OutboxEvent
from subscriptions.tests.factories import make_plan


class WatchedProvider(SandboxProvider):
    """The sandbox, remembering what it was asked, its subclasses included."""

    name: ClassVar[str] = "watched"
    charges: ClassVar[list[ChargeRequest]] = []
    lookups: ClassVar[list[ChargeRequest]] = []

    def charge(self, request: ChargeRequest) -> ChargeResult:
        self.charges.append(request)
        return super().charge(request)

    def lookup(self, request: ChargeRequest) -> ChargeResult | None:
        self.lookups.append(request)
        return super().lookup(request)


class OutsideTransactions(WatchedProvider):
    """Refuses to be called while a transaction is open; for tests that commit."""

    name: ClassVar[str] = "outside"

    def charge(self, request: ChargeRequest) -> ChargeResult:
        assert not connection.in_atomic_block
        return super().charge(request)

    def lookup(self, request: ChargeRequest) -> ChargeResult | None:
        assert not connection.in_atomic_block
        return super().lookup(request)


class Crash(BaseException):
    """The process dies here: nothing catches it."""


class CrashingProvider(WatchedProvider):
    """The money moves, and the process dies before it can write that down."""

    name: ClassVar[str] = "crashing"

    def charge(self, request: ChargeRequest) -> ChargeResult:
        super().charge(request)
        raise Crash


def make_customer() -> Login:
    """Return a logged-in owner whose API key waits for money; the plan costs 9.99 USD."""
    make_plan()
    tenant = make_tenant()
    make_api_key(tenant, active=False)
    return make_login(tenant)


def make_payment(customer: Login, **fields: object) -> Payment:
    """Save a payment that was reserved and not settled."""
    account, _ = Account.objects.get_or_create(tenant=customer.tenant)
    plan = make_plan()
    defaults = {
        "tenant": customer.tenant,
        "account": account,
        "plan": plan,
        "requested_by": owner_of(customer.tenant),
        "buys": "first",
        "provider": "sandbox",
        "amount_minor": plan.price_minor,
        "currency": plan.currency,
    }
    return Payment.objects.create(**defaults | fields)


def enable(customer: Login, **options: object) -> payments.Activation:
    """Turn the customer's key on, paying if need be."""
    return payments.enable_api_key(tenant=customer.tenant, user=customer.user, **options)


def is_on(customer: Login) -> bool:
    """Say whether the customer's API is on."""
    return Tenant.objects.get(pk=customer.tenant.pk).api_enabled


def payment_events() -> list[str]:
    """Return the names of the events about payments, oldest first."""
    events = OutboxEvent.objects.filter(name__startswith="payment.").order_by("pk")
    return list(events.values_list("name", flat=True))
