"""What a call to turn on the key answers, the first time and every time after.

An `Idempotency-Key` lives in its payment's row, or in a `KeptAnswer` when nothing had to be
paid; both are read and written under the account's lock.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Tenant
from billing.models import KeptAnswer, Payment
from billing.providers import registry
from billing.states import PaymentStatus
from orsta.core import errors
from subscriptions import selectors as subscriptions_selectors

ACTIVATED = "API key activated"
ALREADY_ACTIVE = "API key already active"
KEEP_KEYS = timedelta(days=30)
RETRY_AFTER = 120  # seconds; by then the reconcile job may ask the provider


class PaymentInProgress(errors.Conflict):
    """An earlier payment is not settled yet."""

    code = "payment_in_progress"


class KeyReused(errors.Mismatch):
    """The idempotency key was used for another request."""

    code = "idempotency_key_reused"


class PaymentDeclined(errors.PaymentRequired):
    """The provider refused; nothing changed."""

    code = "payment_declined"

    def __init__(self, payment: Payment, *, replayed: bool = False) -> None:
        super().__init__(
            f"The payment was declined: {payment.failure_reason} "
            "Nothing was charged; try another payment method.",
            error="Payment failed",  # the sentence that clients of the system before know
            reason=payment.failure_reason,
            provider=payment.provider,
            payment_id=payment.public_id,
        )
        self.replayed = replayed


@dataclass(frozen=True, slots=True)
class Activation:
    """How the key came to be on.

    :param payment: the charge, or the last one when this call needed none.
    :param replayed: whether an earlier call with this idempotency key did the work.
    """

    payment: Payment | None
    charged_minor: int
    currency: str
    provider: str
    message: str
    replayed: bool = False


def of_payment(payment: Payment, *, replayed: bool = False) -> Activation:
    """Return the answer that the payment's state gives.

    :raises PaymentInProgress: it is not settled.
    :raises PaymentDeclined: it was refused.
    """
    if payment.status == PaymentStatus.PENDING:
        raise PaymentInProgress(
            "A payment is under way; it settles within minutes. Nothing is charged twice.",
            retry_after=RETRY_AFTER,
            payment_id=payment.public_id,
        )
    if payment.status == PaymentStatus.FAILED:
        raise PaymentDeclined(payment, replayed=replayed)
    return Activation(
        payment=payment,
        charged_minor=payment.amount_minor,
        currency=payment.currency,
        provider=payment.provider,
        message=ACTIVATED,
        replayed=replayed,
    )


def without_charge(message: str, *, last: Payment | None, replayed: bool = False) -> Activation:
    """Return the answer of a call that had nothing to pay; `last` paid for the period."""
    return Activation(
        payment=last,
        charged_minor=0,
        currency=last.currency if last else subscriptions_selectors.default_plan().currency,
        provider=last.provider if last else registry.provider().name,
        message=message,
        replayed=replayed,
    )


def replay(*, tenant: Tenant, key: str, fingerprint: str, now: datetime) -> Activation | None:
    """Return what `key` answered before, None when it is new; "" is always new.

    A key older than `KEEP_KEYS` is forgotten and new again.

    :raises KeyReused: it came with another request.
    :raises PaymentInProgress: its payment is not settled.
    :raises PaymentDeclined: its payment was refused.
    """
    if not key:
        return None
    kept = _kept(Payment, tenant, key) or _kept(KeptAnswer, tenant, key)
    if kept is None:
        return None
    if kept.created_at <= now - KEEP_KEYS:
        forget_keys(now=now, tenant=tenant)
        return None
    if kept.fingerprint != fingerprint:
        raise KeyReused("This Idempotency-Key was used for another request; take a new one.")
    if isinstance(kept, Payment):
        return of_payment(kept, replayed=True)
    return without_charge(kept.message, last=kept.payment, replayed=True)


def keep(
    *, answer: Activation, tenant: Tenant, key: str, fingerprint: str, now: datetime
) -> None:
    """Remember an answer that has no payment of its own under `key`."""
    if key:
        KeptAnswer.objects.create(
            tenant=tenant,
            payment=answer.payment,
            idempotency_key=key,
            fingerprint=fingerprint,
            message=answer.message,
            created_at=now,
        )


def forget_keys(*, now: datetime, tenant: Tenant | None = None) -> None:
    """Free the keys that are older than `KEEP_KEYS`; the payments stay.

    :param tenant: whose keys; None frees everybody's.
    """
    payments, kept = Payment.objects.all(), KeptAnswer.objects.all()
    if tenant is not None:
        payments, kept = payments.for_tenant(tenant), kept.for_tenant(tenant)
    old = {"created_at__lte": now - KEEP_KEYS}
    payments.filter(**old).exclude(idempotency_key="").update(
        idempotency_key="", updated_at=now
    )
    kept.filter(**old).delete()


def _kept(
    model: type[Payment] | type[KeptAnswer], tenant: Tenant, key: str
) -> Payment | KeptAnswer | None:
    row: Payment | KeptAnswer | None = (
        model.objects.for_tenant(tenant).filter(idempotency_key=key).first()
    )
    return row
