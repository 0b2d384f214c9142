"""Ask the provider about payments whose outcome nobody wrote down. It never charges."""

import logging
from datetime import datetime, timedelta

from billing.models import Payment
from billing.providers import registry
from billing.providers.base import ChargeResult, Outcome, ProviderUnavailable
from billing.services import payments, settlement
from billing.states import PaymentStatus
from orsta.core import errors

logger = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=2)  # four times what a provider may take for a charge
_BATCH = 500
_NEVER_RECEIVED = ChargeResult(
    Outcome.DECLINED, reason="The payment provider never received the charge."
)


class NotPending(errors.Conflict):
    """The payment is settled."""

    code = "payment_not_pending"


class TooEarly(errors.Conflict):
    """The provider may still be at it."""

    code = "payment_too_young"


class StillUnknown(errors.Unavailable):
    """The provider can't tell now."""

    code = "payment_outcome_unknown"


def reconcile(*, now: datetime) -> int:
    """Settle what is pending for longer than `PATIENCE`; return how many it settled.

    Safe to run twice at once: `settle` records an outcome once.
    """
    old = Payment.objects.filter(status=PaymentStatus.PENDING, created_at__lte=now - PATIENCE)
    return sum(_try(payment, now=now) for payment in old.order_by("created_at")[:_BATCH])


def reconcile_one(*, payment: Payment, now: datetime) -> Payment:
    """Settle one pending payment by what its provider says.

    :raises NotPending: it is settled already.
    :raises TooEarly: it is younger than `PATIENCE`.
    :raises StillUnknown: the provider does not answer.
    """
    if payment.status != PaymentStatus.PENDING:
        raise NotPending("This payment is settled already.")
    if payment.created_at > now - PATIENCE:
        raise TooEarly("The charge may still be running. Try again in two minutes.")
    try:
        result = registry.provider(payment.provider).lookup(payments.request_of(payment))
    except ProviderUnavailable as error:
        raise StillUnknown("The payment provider does not answer. Try again later.") from error
    return settlement.settle(payment=payment, result=result or _NEVER_RECEIVED, now=now)


def _try(payment: Payment, *, now: datetime) -> bool:
    try:
        reconcile_one(payment=payment, now=now)
    except errors.DomainError as error:
        logger.warning(
            "Payment still open", extra={"payment_id": payment.public_id, "reason": error.code}
        )
        return False
    except Exception:  # one payment that can't settle must not stop the others
        logger.exception("Payment can't settle", extra={"payment_id": payment.public_id})
        return False
    return True
