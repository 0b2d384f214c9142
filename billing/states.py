"""The life of a payment. Plain: no rows."""

from django.db.models import TextChoices


class PaymentStatus(TextChoices):
    """What is known of the money. PENDING includes "the provider did not answer"."""

    PENDING = "PENDING", "Pending"
    SUCCEEDED = "SUCCEEDED", "Succeeded"
    FAILED = "FAILED", "Failed"


S = PaymentStatus
TRANSITIONS: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    S.PENDING: frozenset({S.SUCCEEDED, S.FAILED}),
    S.SUCCEEDED: frozenset(),
    # Given up as never received, and the money moved after all: it is recorded.
    S.FAILED: frozenset({S.SUCCEEDED}),
}


def sources_of(new: PaymentStatus) -> list[PaymentStatus]:
    """Return the statuses from which a payment may become `new`."""
    return [old for old, targets in TRANSITIONS.items() if new in targets]


class LedgerKind(TextChoices):
    """Why money moved."""

    CHARGE = "CHARGE", "Charge"
