"""Start, extend, stop and end subscriptions. Every call is one step of `steps`.

A tenant has one subscription for its whole life; what it was is in its transitions.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Tenant
from accounts.services import audit
from orsta.core import errors
from subscriptions import selectors
from subscriptions.models import Plan, Subscription
from subscriptions.services import steps
from subscriptions.services.steps import Cause
from subscriptions.spans import later
from subscriptions.states import PAID_FOR, RUNNING, SubscriptionStatus

S = SubscriptionStatus
_STOPPABLE = RUNNING | {S.SUSPENDED}
_BATCH = 500


class NotRunning(errors.Conflict):
    """There is no running subscription."""

    code = "subscription_not_running"


class TrialRefused(errors.Conflict):
    """A tenant may try once, and not while it has something better."""

    code = "trial_refused"


@transaction.atomic
def activate(
    *, tenant: Tenant, plan: Plan, now: datetime, actor: str = audit.SYSTEM, reason: str = ""
) -> Subscription:
    """Give the tenant one more period of `plan`.

    A running period is extended from its end, days of grace included, and takes on the plan
    at once; after a lapse a new period starts now. What staff suspended stays so, with the
    time added.
    """
    cause, period = Cause(actor, reason, now), timedelta(days=plan.period_days)
    start = steps.starting(plan, now=now, ends_at=now + period)
    subscription, created = steps.begin(tenant, cause, start)
    if created:
        return subscription
    if subscription.status in RUNNING:
        ends_at = later(subscription.ends_at, period)
        _renew(
            subscription, cause, plan=plan, ends_at=ends_at if ends_at > now else now + period
        )
    elif subscription.status == S.SUSPENDED:
        ends_at = later(max(subscription.ends_at, now), period)
        steps.take(subscription, cause, fact="extended", plan=plan, ends_at=ends_at)
    else:
        steps.take(subscription, cause, fact="activated", **start)
    return subscription


@transaction.atomic
def start_trial(
    *, tenant: Tenant, plan: Plan, days: int, actor: str, reason: str, now: datetime
) -> Subscription:
    """Let the tenant have `plan` for some days without paying.

    :raises TrialRefused: it has a running subscription, or had a trial before.
    """
    cause = Cause(actor, reason, now)
    start = steps.starting(plan, now=now, ends_at=now + timedelta(days=days), status=S.TRIALING)
    subscription, created = steps.begin(tenant, cause, start)
    if created:
        return subscription
    if subscription.status in _STOPPABLE:
        raise TrialRefused(
            "This workspace has a subscription; a trial is for before the first."
        )
    if subscription.transitions.filter(new=S.TRIALING).exists():
        raise TrialRefused("This workspace had its trial.")
    steps.take(subscription, cause, fact="activated", **start)
    return subscription


@transaction.atomic
def extend(
    *, tenant: Tenant, days: int, actor: str, reason: str, now: datetime
) -> Subscription:
    """Move the end of a running subscription by some days; from a grace, out of it.

    :raises NotRunning: there is none; a new period is what `activate` gives.
    """
    subscription = _current(tenant, RUNNING, now=now)
    ends_at = later(max(subscription.ends_at, now), timedelta(days=days))
    cause = Cause(actor, reason, now)
    status = S.ACTIVE if subscription.status == S.GRACE else subscription.status
    _renew(subscription, cause, plan=subscription.plan, ends_at=ends_at, status=status)
    return subscription


@transaction.atomic
def mark_past_due(*, tenant: Tenant, actor: str, reason: str, now: datetime) -> Subscription:
    """Note that a payment is owed, safe to repeat; what was paid for goes on.

    :raises NotRunning: there is no running subscription.
    :raises steps.WrongStatus: it is not an ordinary active one.
    """
    subscription = _current(tenant, RUNNING, now=now)
    if subscription.status != S.PAST_DUE:
        _turn(subscription, S.PAST_DUE, Cause(actor, reason, now))
    return subscription


@transaction.atomic
def cancel(
    *, tenant: Tenant, at_end: bool, actor: str, reason: str, now: datetime
) -> Subscription:
    """End the subscription: now, or when what is paid for is over, without a grace.

    Safe to repeat for the latter.

    :raises NotRunning: it is over already.
    """
    subscription, cause = _current(tenant, _STOPPABLE, now=now), Cause(actor, reason, now)
    if not at_end or subscription.status not in PAID_FOR:
        _end(subscription, S.CANCELLED, cause)
    elif not subscription.cancel_at_end:
        steps.take(subscription, cause, fact="cancellation_scheduled", cancel_at_end=True)
    return subscription


@transaction.atomic
def keep(*, tenant: Tenant, actor: str, reason: str, now: datetime) -> Subscription:
    """Take back a cancellation that has not happened yet.

    :raises NotRunning: there is no running subscription.
    """
    subscription = _current(tenant, RUNNING, now=now)
    if subscription.cancel_at_end:
        cause = Cause(actor, reason, now)
        steps.take(subscription, cause, fact="cancellation_withdrawn", cancel_at_end=False)
    return subscription


@transaction.atomic
def expire(*, tenant: Tenant, actor: str, reason: str, now: datetime) -> Subscription:
    """End a subscription before its time, without a grace.

    :raises NotRunning: it is over already.
    """
    subscription = _current(tenant, _STOPPABLE, now=now)
    _end(subscription, S.EXPIRED, Cause(actor, reason, now))
    return subscription


@transaction.atomic
def suspend(*, tenant: Tenant, actor: str, reason: str, now: datetime) -> Subscription:
    """Stop a running subscription until `resume`; its time runs on.

    :raises NotRunning: there is no running subscription.
    """
    subscription = _current(tenant, RUNNING, now=now)
    _turn(subscription, S.SUSPENDED, Cause(actor, reason, now))
    return subscription


@transaction.atomic
def resume(*, tenant: Tenant, actor: str, reason: str, now: datetime) -> Subscription:
    """Put a suspended subscription back to what it was; if its time is over, it ends.

    :raises steps.WrongStatus: it is not suspended.
    """
    subscription = steps.locked(tenant, now=now)
    if subscription is None or subscription.status != S.SUSPENDED:
        raise steps.WrongStatus("This subscription is not suspended.")
    last = subscription.transitions.filter(new=S.SUSPENDED).order_by("-pk").first()
    # Paid for while it was suspended: whatever was before, it is active now.
    was = last.old if last and last.old in RUNNING else S.ACTIVE
    cause = Cause(actor, reason, now)
    steps.take(subscription, cause, fact="activated", status=was)
    steps.catch_up([subscription], now=now)
    return subscription


@transaction.atomic
def advance(*, now: datetime) -> int:
    """Write what time made of up to a batch of subscriptions; return how many.

    Several callers may run at once: each takes rows that the others do not hold.
    """
    batch = selectors.subscriptions_due(now=now).select_for_update(
        skip_locked=True, of=("self",)
    )[:_BATCH]
    return steps.catch_up(batch, now=now)


@transaction.atomic
def catch_up(*, tenant: Tenant, now: datetime) -> None:
    """Write what time made of one tenant's subscription, for whoever is about to show it."""
    if selectors.subscriptions_due(now=now).filter(tenant=tenant).exists():
        steps.locked(tenant, now=now)


def _renew(
    subscription: Subscription,
    cause: Cause,
    *,
    plan: Plan,
    ends_at: datetime,
    status: SubscriptionStatus | str = S.ACTIVE,
) -> None:
    """Move a running subscription's end; its usage period goes on."""
    steps.take(
        subscription,
        cause,
        fact="extended",
        plan=plan,
        ends_at=ends_at,
        status=status,
        grace_ends_at=None,
        cancel_at_end=False,
    )


def _current(
    tenant: Tenant, statuses: Collection[SubscriptionStatus], *, now: datetime
) -> Subscription:
    subscription = steps.locked(tenant, now=now)
    if subscription is None or subscription.status not in statuses:
        raise NotRunning("This workspace has no running subscription.")
    return subscription


def _turn(subscription: Subscription, status: SubscriptionStatus, cause: Cause) -> None:
    steps.take(subscription, cause, fact=status.lower(), status=status)


def _end(subscription: Subscription, status: SubscriptionStatus, cause: Cause) -> None:
    ends_at = min(subscription.ends_at, cause.now)
    steps.take(
        subscription,
        cause,
        fact=status.lower(),
        status=status,
        ends_at=max(ends_at, subscription.starts_at),
        grace_ends_at=None,
        cancel_at_end=False,
    )
