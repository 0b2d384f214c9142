"""The life of a subscription as a table. Plain: no rows."""

from django.db.models import TextChoices


class SubscriptionStatus(TextChoices):
    """Whether the tenant has what it pays for."""

    TRIALING = "TRIALING", "Trial"
    ACTIVE = "ACTIVE", "Active"
    PAST_DUE = "PAST_DUE", "Past due"
    GRACE = "GRACE", "Grace"
    SUSPENDED = "SUSPENDED", "Suspended"
    EXPIRED = "EXPIRED", "Expired"
    CANCELLED = "CANCELLED", "Cancelled"


S = SubscriptionStatus
# The tenant has what its plan promises in these until `ends_at`...
PAID_FOR = frozenset({S.TRIALING, S.ACTIVE, S.PAST_DUE})
# ...and in this one until the grace after it is over.
RUNNING = PAID_FOR | {S.GRACE}

# A renewal moves the end of a running period, not its status. What is suspended goes back to
# what it was.
TRANSITIONS: dict[SubscriptionStatus, frozenset[SubscriptionStatus]] = {
    S.TRIALING: frozenset({S.ACTIVE, S.GRACE, S.SUSPENDED, S.EXPIRED, S.CANCELLED}),
    S.ACTIVE: frozenset({S.PAST_DUE, S.GRACE, S.SUSPENDED, S.EXPIRED, S.CANCELLED}),
    S.PAST_DUE: frozenset({S.ACTIVE, S.GRACE, S.SUSPENDED, S.EXPIRED, S.CANCELLED}),
    S.GRACE: frozenset({S.ACTIVE, S.SUSPENDED, S.EXPIRED, S.CANCELLED}),
    S.SUSPENDED: RUNNING | {S.EXPIRED, S.CANCELLED},
    S.EXPIRED: frozenset({S.TRIALING, S.ACTIVE}),
    S.CANCELLED: frozenset({S.TRIALING, S.ACTIVE}),
}


def allows(old: SubscriptionStatus, new: SubscriptionStatus) -> bool:
    """Say whether a subscription may go from `old` to `new`."""
    return new in TRANSITIONS[old]
