"""The life of a subscription. Plain: no rows."""

from django.db.models import TextChoices


class SubscriptionStatus(TextChoices):
    """Whether the tenant has what it pays for."""

    ACTIVE = "ACTIVE", "Active"
    EXPIRED = "EXPIRED", "Expired"


S = SubscriptionStatus
# Extending a running period moves its end, not its status.
TRANSITIONS: dict[SubscriptionStatus, frozenset[SubscriptionStatus]] = {
    S.ACTIVE: frozenset({S.EXPIRED}),
    S.EXPIRED: frozenset({S.ACTIVE}),
}
