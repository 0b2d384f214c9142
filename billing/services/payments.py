"""Sell the API key: reserve, charge outside any transaction, settle."""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from accounts import selectors as accounts_selectors
from accounts.models import Tenant, User
from accounts.services import keys
from billing import money, selectors
from billing.models import Account, Payment
from billing.providers import registry
from billing.providers.base import ChargeRequest, ProviderUnavailable
from billing.services import answers, settlement
from billing.services.answers import Activation
from billing.states import PaymentStatus
from orsta.core import errors
from subscriptions import selectors as subscriptions_selectors
from subscriptions.models import Plan

logger = logging.getLogger(__name__)

DESCRIPTION = "Orsta API key activation"
_FIRST_PERIOD = "first"


class AmountMismatch(errors.Mismatch):
    """The caller expects another price."""

    code = "amount_mismatch"


class Suspended(errors.Denied):
    """Staff stopped the subscription; money would not bring it back."""

    code = "subscription_suspended"


class PaymentOutcomeUnknown(errors.Unavailable):
    """The provider did not answer; the payment settles later, without a second charge."""

    code = "payment_outcome_unknown"


@dataclass(frozen=True, slots=True)
class Order:
    """What one call asks for; see `enable_api_key`."""

    tenant: Tenant
    user: User
    amount: float | Decimal | None
    description: str
    metadata: Any
    payment_method: str = field(repr=False)
    idempotency_key: str
    fingerprint: str


def enable_api_key(
    *,
    tenant: Tenant,
    user: User,
    now: datetime,
    amount: float | Decimal | None = None,
    description: str = DESCRIPTION,
    metadata: Any = None,
    payment_method: str = "",
    idempotency_key: str = "",
    fingerprint: str = "",
) -> Activation:
    """Charge the default plan's price once, then turn the key on and start the period.

    Within a paid period nothing is charged; in the grace after it, the next one is. The row
    of the payment commits before the provider is called and settles after it; a call that
    dies in between is finished by `reconciliation`.

    :param amount: what the caller expects to pay, in major units; None trusts the plan.
    :param fingerprint: tells two requests with the same `idempotency_key` apart.
    :raises AmountMismatch: the plan has another price.
    :raises keys.NoApiKey: the tenant has no key to turn on.
    :raises Suspended: staff stopped the subscription.
    :raises answers.PaymentInProgress: an earlier charge is not settled.
    :raises answers.KeyReused: the idempotency key came with another request.
    :raises answers.PaymentDeclined: the provider refused; also when that is replayed.
    :raises PaymentOutcomeUnknown: the provider did not answer.
    """
    order = Order(
        tenant=tenant,
        user=user,
        amount=amount,
        description=description,
        metadata={} if metadata is None else metadata,
        payment_method=payment_method,
        idempotency_key=idempotency_key,
        fingerprint=fingerprint,
    )
    started = _start(order, now=now)
    return started if isinstance(started, Activation) else _collect(started, now=now)


def request_of(payment: Payment) -> ChargeRequest:
    """Return the payment as its provider sees it, the same on every call."""
    return ChargeRequest(
        reference=payment.public_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        description=payment.description,
        payment_method=payment.payment_method,
        metadata=payment.metadata,
    )


@transaction.atomic(durable=True)
def _start(order: Order, *, now: datetime) -> Payment | Activation:
    """Decide under the account's lock, so that clicks at once take turns."""
    account = _lock_account(order.tenant)
    replayed = answers.replay(
        tenant=order.tenant, key=order.idempotency_key, fingerprint=order.fingerprint, now=now
    )
    if replayed is not None:
        return replayed
    agreed = _plan_at(order.amount)
    pending = account.payments.filter(status=PaymentStatus.PENDING).first()
    if pending is not None:
        return answers.of_payment(pending)
    key = accounts_selectors.current_api_key(tenant=order.tenant)
    if key is None:
        raise keys.NoApiKey("There is no API key to turn on. Create one first.")
    entitlements = subscriptions_selectors.entitlements_for(
        tenant=order.tenant, now=now, fresh=True
    )
    if entitlements.is_suspended:
        raise Suspended("The subscription is suspended; contact support. Nothing was charged.")
    if entitlements.active and not entitlements.owes:
        return _turn_on(order, is_on=_is_on(order.tenant), now=now)
    ends_at = entitlements.ends_at
    buys = ends_at.isoformat() if ends_at else _FIRST_PERIOD
    plan = agreed or subscriptions_selectors.default_plan()
    return _reserve(order, account=account, plan=plan, buys=buys)


def _lock_account(tenant: Tenant) -> Account:
    Account.objects.bulk_create([Account(tenant=tenant)], ignore_conflicts=True)
    account: Account = Account.objects.for_tenant(tenant).select_for_update().get()
    return account


def _plan_at(amount: float | Decimal | None) -> Plan | None:
    """Return the plan whose price the caller named, None when it named no price."""
    if amount is None:
        return None
    plan = subscriptions_selectors.default_plan()
    try:
        expected = money.to_minor(amount, plan.currency)
    except money.NotAnAmount:
        expected = None
    if expected != plan.price_minor:
        raise AmountMismatch(
            f"The price is {money.render(plan.price_minor, plan.currency)}; "
            "send that amount or none.",
            price=money.to_major(plan.price_minor, plan.currency),
            price_minor=plan.price_minor,
            currency=plan.currency,
        )
    return plan


def _turn_on(order: Order, *, is_on: bool, now: datetime) -> Activation:
    """Turn the key on within a paid period."""
    if not is_on:
        keys.activate(tenant=order.tenant, now=now, actor=order.user.public_id)
    answer = answers.without_charge(
        answers.ALREADY_ACTIVE if is_on else answers.ACTIVATED,
        last=selectors.last_charge(tenant=order.tenant),
    )
    answers.keep(
        answer=answer,
        tenant=order.tenant,
        key=order.idempotency_key,
        fingerprint=order.fingerprint,
        now=now,
    )
    return answer


def _reserve(order: Order, *, account: Account, plan: Plan, buys: str) -> Payment:
    try:
        with transaction.atomic():
            return Payment.objects.create(
                tenant=order.tenant,
                account=account,
                plan=plan,
                requested_by=order.user,
                buys=buys,
                provider=registry.provider().name,
                amount_minor=plan.price_minor,
                currency=plan.currency,
                description=order.description,
                metadata=order.metadata,
                payment_method=order.payment_method,
                idempotency_key=order.idempotency_key,
                fingerprint=order.fingerprint,
            )
    except IntegrityError as error:  # the constraints, should the lock ever fail
        raise answers.PaymentInProgress(
            "Another payment is under way. Ask again shortly.", retry_after=1
        ) from error


def _collect(payment: Payment, *, now: datetime) -> Activation:
    """Call the provider with no transaction open, and settle what it says."""
    try:
        result = registry.provider(payment.provider).charge(request_of(payment))
    except ProviderUnavailable as error:
        logger.warning("Charge without an answer", extra={"payment_id": payment.public_id})
        raise PaymentOutcomeUnknown(
            "The payment provider did not answer. You will not be charged twice: the payment "
            "settles by itself within minutes.",
            retry_after=answers.RETRY_AFTER,
            payment_id=payment.public_id,
        ) from error
    return answers.of_payment(settlement.settle(payment=payment, result=result, now=now))


def _is_on(tenant: Tenant) -> bool:
    """Read it again under the lock: the caller's row may be old."""
    return Tenant.objects.filter(pk=tenant.pk, api_enabled=True).exists()
