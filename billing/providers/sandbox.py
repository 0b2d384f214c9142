"""A provider without money: the payment method's token scripts the outcome.

Everything is derived from the request, so repeating one is a no-op by construction, in
every process and after every restart.
"""

import hashlib
from typing import ClassVar

from billing.providers.base import (
    ChargeRequest,
    ChargeResult,
    Outcome,
    PaymentProvider,
    ProviderUnavailable,
)

OK = "tok_ok"
TIMEOUT = "tok_timeout"  # the answer is lost on the way back; the money moved
LOST = "tok_lost"  # the request is lost on the way there; no money moved
_DECLINES = {
    "tok_declined": "The card was declined.",
    "tok_insufficient_funds": "The card has insufficient funds.",
}
_UNKNOWN = "The sandbox does not know this payment method."


class SandboxProvider(PaymentProvider):
    """Approves `tok_ok` (the default) and plays the troubles that the other tokens name."""

    name: ClassVar[str] = "sandbox"

    def charge(self, request: ChargeRequest) -> ChargeResult:
        if request.payment_method in {TIMEOUT, LOST}:
            raise ProviderUnavailable("The sandbox gave no answer, as asked.")
        return _result(request)

    def lookup(self, request: ChargeRequest) -> ChargeResult | None:
        return None if request.payment_method == LOST else _result(request)


def _result(request: ChargeRequest) -> ChargeResult:
    token = request.payment_method or OK
    if token in {OK, TIMEOUT}:
        digest = hashlib.sha256(request.reference.encode()).hexdigest()
        return ChargeResult(Outcome.SUCCEEDED, provider_ref=f"txn_{digest[:24]}")
    return ChargeResult(Outcome.DECLINED, reason=_DECLINES.get(token, _UNKNOWN))
