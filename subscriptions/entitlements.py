"""What a tenant may do right now, as the other apps see it. Plain: no rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from subscriptions.spans import Span
from subscriptions.states import RUNNING, SubscriptionStatus


@dataclass(frozen=True, slots=True)
class Entitlements:
    """The answer to "what does this tenant pay for?" at one moment.

    :param plan_code: the plan of the newest period, "" when there never was one.
    :param active: whether a period runs; without one every limit is 0.
    :param limits: by the name of a `models.Feature`; None is unlimited, absent is 0.
    :param rate_class: how many requests its programs may make.
    :param engine: of new sessions that ask for none; "" takes the service's default.
    :param period_starts_at: start of the usage period that metered features count in.
    :param ends_at: the end of the newest period, past or future.
    :param status: the subscription's, "" when there never was one.
    :param stops_at: the end of the grace after `ends_at`, or `ends_at` itself.
    """

    plan_code: str
    active: bool
    limits: Mapping[str, int | None] = field(default_factory=dict)
    rate_class: str = "STANDARD"
    period_starts_at: datetime | None = None
    period_ends_at: datetime | None = None
    ends_at: datetime | None = None
    status: str = ""
    stops_at: datetime | None = None
    engine: str = ""

    def limit(self, feature: str) -> int | None:
        """Return how much of a feature there is: None without a limit, 0 if not included."""
        return self.limits.get(feature, 0) if self.active else 0

    @property
    def owes(self) -> bool:
        """Whether the tenant has more than it paid for and should pay now."""
        return self.status in {SubscriptionStatus.GRACE, SubscriptionStatus.PAST_DUE}

    @property
    def is_suspended(self) -> bool:
        """Whether staff stopped the subscription; no payment brings it back."""
        return self.status == SubscriptionStatus.SUSPENDED


NOTHING = Entitlements(plan_code="", active=False, limits=MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Override:
    """A limit of one tenant's own, until `expires_at` or for good."""

    feature: str
    limit: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Terms:
    """All that a tenant's entitlements follow from; right for as long as no row changes."""

    plan_code: str
    rate_class: str
    limits: Mapping[str, int | None]
    overrides: tuple[Override, ...]
    span: Span
    engine: str = ""

    def at(self, now: datetime) -> Entitlements:
        """Return what the tenant may do at `now`."""
        status = self.span.status_at(now)
        period_starts_at, period_ends_at = self.span.period_at(now)
        own = {
            override.feature: override.limit
            for override in self.overrides
            if override.expires_at is None or override.expires_at > now
        }
        return Entitlements(
            plan_code=self.plan_code,
            active=status in RUNNING,
            limits=MappingProxyType({**self.limits, **own}),
            rate_class=self.rate_class,
            period_starts_at=period_starts_at,
            period_ends_at=period_ends_at,
            ends_at=self.span.ends_at,
            status=status,
            stops_at=self.span.stops_at,
            engine=self.engine,
        )
