"""Write down what became of a charge: the one way from PENDING to an end.

The response, the reconcile job and staff all come through here, in any order and number.
"""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import selectors as accounts_selectors
from accounts.services import audit, keys
from billing.models import Account, LedgerEntry, Payment
from billing.providers.base import ChargeResult, Outcome
from billing.states import LedgerKind, PaymentStatus, sources_of
from orsta.core.outbox.services import emit
from subscriptions.services import lifecycle

logger = logging.getLogger(__name__)
_REASON_LENGTH = 200
_STATUS = {
    Outcome.SUCCEEDED: PaymentStatus.SUCCEEDED,
    Outcome.DECLINED: PaymentStatus.FAILED,
}


@transaction.atomic(durable=True)
def settle(*, payment: Payment, result: ChargeResult, now: datetime) -> Payment:
    """Record the provider's word once, with everything that follows from it.

    Success: one ledger entry, the period, the active key. Decline: nothing but the
    payment's own row. Returns the payment as it is, whoever settled it.
    """
    Account.objects.select_for_update().get(pk=payment.account_id)
    moved = _move(payment, result, now=now)
    settled: Payment = Payment.objects.select_related(
        "account", "plan", "tenant", "requested_by"
    ).get(pk=payment.pk)
    if moved:
        _follow_up(settled, now=now)
    elif settled.status != _STATUS[result.outcome]:
        logger.error("Provider changed its word", extra={"payment_id": settled.public_id})
    return settled


def _move(payment: Payment, result: ChargeResult, *, now: datetime) -> bool:
    """Write the outcome unless somebody did; a row count decides who follows it up."""
    target = _STATUS[result.outcome]
    change = {
        "status": target,
        "provider_ref": result.provider_ref,
        "failure_reason": result.reason[:_REASON_LENGTH],
        "settled_at": now,
        "updated_at": now,
    }
    open_ = Payment.objects.filter(pk=payment.pk, status__in=sources_of(target))
    if open_.filter(status=PaymentStatus.PENDING).update(**change) == 1:
        return True
    # Found after it was given up: its period may be sold by now, so it buys one of its own.
    return open_.update(**change, buys=payment.public_id) == 1


def _follow_up(payment: Payment, *, now: datetime) -> None:
    if payment.status == PaymentStatus.SUCCEEDED:
        _deliver(payment, now=now)
    fact = f"payment.{payment.status.lower()}"
    facts: dict[str, Any] = {
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "provider": payment.provider,
        "reason": payment.failure_reason,
    }
    emit(
        fact,
        tenant_id=payment.tenant_id,
        shard=f"tenant:{payment.tenant.public_id}",
        payment_id=payment.public_id,
        **facts,
    )
    audit.record(
        action=fact,
        actor=_actor(payment),
        now=now,
        tenant=payment.tenant,
        target=payment.public_id,
        **facts,
    )


def _deliver(payment: Payment, *, now: datetime) -> None:
    """Book the money and hand over what it bought."""
    LedgerEntry.objects.create(
        tenant=payment.tenant,
        payment=payment,
        kind=LedgerKind.CHARGE,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        at=now,
    )
    Account.objects.filter(pk=payment.account_id, wallet_minor=0).update(
        currency=payment.currency
    )
    lifecycle.activate(
        tenant=payment.tenant,
        plan=payment.plan,
        now=now,
        actor=_actor(payment),
        reason=f"Payment {payment.public_id}",
    )
    # Asked for before the charge; should the key be gone now, the money is booked all the same.
    if accounts_selectors.current_api_key(tenant=payment.tenant) is not None:
        keys.activate(tenant=payment.tenant, now=now, actor=_actor(payment))


def _actor(payment: Payment) -> str:
    return payment.requested_by.public_id if payment.requested_by else audit.SYSTEM
