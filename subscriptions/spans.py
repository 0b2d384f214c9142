"""What time alone makes of a subscription. Plain: no rows, no clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from subscriptions.states import PAID_FOR, RUNNING, SubscriptionStatus

LATEST = datetime(9999, 12, 30, tzinfo=UTC)  # "for ever"; a day's room for time zones


def later(moment: datetime, by: timedelta) -> datetime:
    """Return the moment that comes so much after another, `LATEST` at most."""
    return moment + min(by, LATEST - moment)


@dataclass(frozen=True, slots=True)
class Span:
    """A subscription's dates as they are stored, and what follows from them at any moment.

    Readers ask it, and so does the job that writes: what is over counts as over, and a new
    usage period has begun, whether or not the job has seen it.

    :param grace: how long things go on after `ends_at`, as the plan says today.
    :param grace_ends_at: the same as it was promised when the grace began.
    :param period: the length of every usage period after the stored one.
    """

    status: SubscriptionStatus
    ends_at: datetime
    grace: timedelta
    grace_ends_at: datetime | None
    cancel_at_end: bool
    period_starts_at: datetime
    period_ends_at: datetime
    period: timedelta

    def status_at(self, now: datetime) -> SubscriptionStatus:
        """Return the status that holds at `now`."""
        if self.status not in RUNNING:
            return self.status
        if self.status in PAID_FOR and now < self.ends_at:
            return self.status
        if self.cancel_at_end:
            return SubscriptionStatus.CANCELLED
        if now < self.stops_at:
            return SubscriptionStatus.GRACE
        return SubscriptionStatus.EXPIRED

    @property
    def stops_at(self) -> datetime:
        """When the tenant loses what it has, unless it pays."""
        if self.cancel_at_end:
            return self.ends_at
        if self.status == SubscriptionStatus.GRACE and self.grace_ends_at is not None:
            return self.grace_ends_at
        return later(self.ends_at, self.grace)

    def period_at(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the usage period that `now` is in: [start, end)."""
        if now < self.period_ends_at:
            return self.period_starts_at, self.period_ends_at
        whole = (now - self.period_ends_at) // self.period
        start = self.period_ends_at + whole * self.period
        return start, start + self.period
