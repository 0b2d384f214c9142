"""What is known of the money. Sums come from the ledger, one currency at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.db.models.functions import TruncDate

from accounts.models import Tenant
from accounts.tenancy import TenantQuerySet
from billing.models import Account, LedgerEntry, Payment
from billing.states import PaymentStatus

CONSUMPTION_DAYS = 30
_CONSUMPTION_HOURS = CONSUMPTION_DAYS * 24
_DEFAULT_CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Summary:
    """A tenant's money in its account's currency, in the minor unit.

    :param spent_minor: the last charge.
    :param hourly_minor: what the last 30 days cost, per hour; a fraction of the minor unit.
    """

    wallet_minor: int
    spent_minor: int
    total_minor: int
    hourly_minor: float
    currency: str


def summary(*, tenant: Tenant, now: datetime) -> Summary:
    """Return what the tenant paid; all zero before its first payment."""
    account = Account.objects.for_tenant(tenant).first()
    currency = account.currency if account else _DEFAULT_CURRENCY
    entries = LedgerEntry.objects.for_tenant(tenant).filter(currency=currency)
    recent = entries.filter(at__gt=now - timedelta(days=CONSUMPTION_DAYS))
    last = entries.order_by("-at").values_list("amount_minor", flat=True).first()
    return Summary(
        wallet_minor=account.wallet_minor if account else 0,
        spent_minor=last or 0,
        total_minor=_sum(entries),
        hourly_minor=_sum(recent) / _CONSUMPTION_HOURS,
        currency=currency,
    )


def last_charge(*, tenant: Tenant) -> Payment | None:
    """Return the tenant's newest payment that succeeded."""
    paid = Payment.objects.for_tenant(tenant).filter(status=PaymentStatus.SUCCEEDED)
    payment: Payment | None = paid.order_by("-created_at").first()
    return payment


def payments_of(*, tenant: Tenant, limit: int = 20) -> list[Payment]:
    """Return the tenant's newest payments, whatever became of them."""
    return list(Payment.objects.for_tenant(tenant).order_by("-created_at")[:limit])


def revenue_by_day(*, since: datetime, until: datetime) -> list[tuple[date, str, int]]:
    """Return (UTC day, currency, minor units) of [since, until); idle days are left out."""
    entries = LedgerEntry.objects.filter(at__gte=since, at__lt=until)
    days = entries.annotate(day=TruncDate("at")).values("day", "currency")
    sums = days.annotate(minor=Sum("amount_minor")).order_by("day", "currency")
    return [(row["day"], row["currency"], row["minor"]) for row in sums]


def revenue_total(*, since: datetime) -> dict[str, int]:
    """Return what came in since then, in minor units per currency."""
    entries = LedgerEntry.objects.filter(at__gte=since).values("currency")
    sums = entries.annotate(minor=Sum("amount_minor")).order_by("currency")
    return {row["currency"]: row["minor"] for row in sums}


def _sum(entries: TenantQuerySet) -> int:
    return entries.aggregate(total=Sum("amount_minor"))["total"] or 0


def payments_archive(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """Yield the tenant's payments for its archive."""
    columns = ["public_id", "plan__code", "amount_minor", "currency", "status", "description"]
    rest = ["metadata", "provider", "failure_reason", "created_at", "settled_at"]
    payments = Payment.objects.for_tenant(tenant).order_by("pk")
    yield from payments.values(*columns, *rest).iterator()


def ledger_archive(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """Yield what moved, for the tenant's archive."""
    columns = ["payment__public_id", "kind", "amount_minor", "currency", "at"]
    entries = LedgerEntry.objects.for_tenant(tenant).order_by("pk")
    yield from entries.values(*columns).iterator()
