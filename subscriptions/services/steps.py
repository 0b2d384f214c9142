"""Write a subscription's next step: its row, its history, its audit entry and its event.

Everything that changes a subscription comes through `take_many` or `catch_up`, under its lock;
a thousand subscriptions take as many statements as one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import AuditEntry, Tenant
from accounts.services import audit
from orsta.core import errors
from orsta.core.outbox.services import NewEvent, emit_many
from subscriptions import selectors, states
from subscriptions.models import Plan, Subscription, SubscriptionTransition
from subscriptions.services import quotas
from subscriptions.states import RUNNING, SubscriptionStatus

_REASON_LENGTH = 200
# All that a step may change; the CASEs of `bulk_update` would grow with the rows squared.
_SAVE = """
UPDATE subscriptions_subscription AS subscription
SET plan_id = step.plan_id, provider = step.provider, status = step.status,
    cancel_at_end = step.cancel_at_end, starts_at = step.starts_at, ends_at = step.ends_at,
    grace_ends_at = step.grace_ends_at, period_starts_at = step.period_starts_at,
    period_ends_at = step.period_ends_at, updated_at = step.updated_at
FROM unnest(
    %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::boolean[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
    %s::timestamptz[]
) AS step (
    id, plan_id, provider, status, cancel_at_end, starts_at,
    ends_at, grace_ends_at, period_starts_at, period_ends_at,
    updated_at
)
WHERE subscription.id = step.id
"""


class WrongStatus(errors.Conflict):
    """The subscription is in a status that does not allow this."""

    code = "subscription_wrong_status"


@dataclass(frozen=True, slots=True)
class Cause:
    """Who changes something, why and when."""

    actor: str
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a locked row, and what it is recorded as: `subscription.<fact>`."""

    subscription: Subscription
    fact: str
    change: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Trace:
    """A step that was written, and what was before it; nothing was before the first one."""

    subscription: Subscription
    fact: str
    old: str = ""
    before: dict[str, Any] = field(default_factory=dict)


def locked(tenant: Tenant, *, now: datetime) -> Subscription | None:
    """Return the tenant's subscription under lock and up to date, None when it has none."""
    return locked_many([tenant], now=now).get(tenant)


def locked_many(tenants: Iterable[Tenant], *, now: datetime) -> dict[Tenant, Subscription]:
    """Return the subscriptions that there are, under lock and up to date.

    They are locked in the order of their keys: two callers who meet wait, and never deadlock.
    They are read after that: a row that got another plan while it was waited for does not match
    the plan that a join had found before, and PostgreSQL would leave it out.
    """
    rows = Subscription.objects.filter(tenant__in=list(tenants)).order_by("pk")
    held = list(rows.select_for_update().values_list("pk", flat=True))
    found = Subscription.objects.filter(pk__in=held).order_by("pk")
    subscriptions = {row.tenant: row for row in found.select_related("plan", "tenant")}
    catch_up(subscriptions.values(), now=now)
    return subscriptions


def begin(tenant: Tenant, cause: Cause, start: dict[str, Any]) -> tuple[Subscription, bool]:
    """Return the tenant's locked subscription and whether it was made here, with `start`."""
    return begin_many({tenant: start}, cause)[tenant]


def begin_many(
    starts: Mapping[Tenant, Mapping[str, Any]], cause: Cause
) -> dict[Tenant, tuple[Subscription, bool]]:
    """Return each tenant's locked subscription and whether it was made here, with its start.

    What is missing is inserted first, in the order of the tenants, and only then is anything
    locked: who waits for an insert of somebody else holds no lock that the other may need.
    """
    known = Subscription.objects.filter(tenant__in=list(starts))
    have = set(known.values_list("tenant_id", flat=True))
    drafts = [
        Subscription(tenant=tenant, **starts[tenant])
        for tenant in sorted(starts, key=lambda tenant: tenant.pk)
        if tenant.pk not in have
    ]
    Subscription.objects.bulk_create(drafts, ignore_conflicts=True)
    ours = {draft.public_id for draft in drafts}
    rows = locked_many(starts, now=cause.now)
    made = [row for row in rows.values() if row.public_id in ours]
    _record([_Trace(row, _first_fact(row)) for row in made], cause)
    return {tenant: (row, row.public_id in ours) for tenant, row in rows.items()}


def _first_fact(subscription: Subscription) -> str:
    return "activated" if subscription.status in RUNNING else subscription.status.lower()


def starting(
    plan: Plan,
    *,
    now: datetime,
    ends_at: datetime,
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
) -> dict[str, Any]:
    """Return the fields of a subscription that starts at `now`, with its first usage period."""
    return {
        "plan": plan,
        "status": status,
        "starts_at": min(now, ends_at),
        "ends_at": ends_at,
        "grace_ends_at": None,
        "cancel_at_end": False,
        "period_starts_at": now,
        "period_ends_at": now + timedelta(days=plan.period_days),
    }


def take(subscription: Subscription, cause: Cause, *, fact: str, **change: Any) -> None:
    """Write one step; see `take_many`."""
    take_many([Step(subscription, fact, change)], cause)


def take_many(steps: Sequence[Step], cause: Cause) -> None:
    """Write the changes of locked rows, one step each, and record them.

    :raises WrongStatus: one goes to a status that can't follow the present one.
    """
    traces = [_apply(step) for step in steps]
    _save([step.subscription for step in steps], now=cause.now)
    counts_anew = [
        trace.subscription.tenant
        for step, trace in zip(steps, traces, strict=True)
        if "period_starts_at" in step.change
        or trace.before["plan"] != trace.subscription.plan.code
    ]
    quotas.rearm_warnings(tenants=counts_anew)
    _record(traces, cause)


def catch_up(rows: Iterable[Subscription], *, now: datetime) -> int:
    """Write what time made of locked rows: expiry, grace and new periods; return how many.

    A period rolls over once: its start is worked out from the dates, whoever does it and
    however late, and the count of a period is a row of its own.
    """
    late = [(row, SubscriptionStatus(row.status)) for row in rows if _is_late(row, now=now)]
    for row, _ in late:
        _move(row, now=now)
    _save([row for row, _ in late], now=now)
    turned = [(row, old) for row, old in late if row.status != old]
    traces = [_Trace(row, row.status.lower(), old) for row, old in turned]
    _record(traces, Cause(audit.SYSTEM, "", now))
    selectors.forget(row.tenant_id for row, _ in late)
    return len(late)


def _apply(step: Step) -> _Trace:
    """Set the fields of a step's row; return what it was before."""
    subscription = step.subscription
    before, old = _facts(subscription), SubscriptionStatus(subscription.status)
    new = SubscriptionStatus(step.change.get("status", old))
    if new != old and not states.allows(old, new):
        raise WrongStatus(
            f"This subscription is {old.label.lower()}; it can't become {new.label.lower()}."
        )
    for name, value in step.change.items():
        setattr(subscription, name, value)
    return _Trace(subscription, step.fact, old, before)


def _save(rows: Sequence[Subscription], *, now: datetime) -> None:
    """Write locked rows as they are, in one statement."""
    if not rows:
        return
    for row in rows:
        row.updated_at = now
    columns: list[list[Any]] = [
        [row.pk for row in rows],
        [row.plan_id for row in rows],
        [row.provider for row in rows],
        [str(row.status) for row in rows],
        [row.cancel_at_end for row in rows],
        [row.starts_at for row in rows],
        [row.ends_at for row in rows],
        [row.grace_ends_at for row in rows],
        [row.period_starts_at for row in rows],
        [row.period_ends_at for row in rows],
        [row.updated_at for row in rows],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, columns)


def _record(traces: Sequence[_Trace], cause: Cause) -> None:
    """Leave the traces of steps that were written: history, audit, event, cache.

    What the system does by itself is in the history alone.
    """
    SubscriptionTransition.objects.bulk_create(_transition(trace, cause) for trace in traces)
    if cause.actor != audit.SYSTEM:
        audit.record_many(_entry(trace, cause) for trace in traces)
    emit_many(_event(trace) for trace in traces)
    selectors.forget(trace.subscription.tenant_id for trace in traces)


def _is_late(subscription: Subscription, *, now: datetime) -> bool:
    span = subscription.span
    status = span.status_at(now)
    rolls = status in RUNNING and span.period_ends_at <= now
    return rolls or status != span.status


def _move(subscription: Subscription, *, now: datetime) -> None:
    span = subscription.span
    subscription.status = span.status_at(now)
    if subscription.status == SubscriptionStatus.GRACE:
        subscription.grace_ends_at = span.stops_at
    if subscription.status in RUNNING:
        subscription.period_starts_at, subscription.period_ends_at = span.period_at(now)


def _transition(trace: _Trace, cause: Cause) -> SubscriptionTransition:
    subscription = trace.subscription
    return SubscriptionTransition(
        subscription=subscription,
        old=trace.old,
        new=subscription.status,
        plan_id=subscription.plan_id,
        ends_at=subscription.ends_at,
        actor=cause.actor,
        reason=cause.reason[:_REASON_LENGTH],
        at=cause.now,
    )


def _entry(trace: _Trace, cause: Cause) -> AuditEntry:
    return audit.entry(
        action=f"subscription.{trace.fact}",
        actor=cause.actor,
        now=cause.now,
        tenant=trace.subscription.tenant,
        target=trace.subscription.public_id,
        reason=cause.reason,
        before=trace.before,
        after=_facts(trace.subscription),
    )


def _facts(subscription: Subscription) -> dict[str, Any]:
    return {
        "plan": subscription.plan.code,
        "status": subscription.status,
        "ends_at": subscription.ends_at.isoformat(),
        "cancel_at_end": subscription.cancel_at_end,
    }


def _event(trace: _Trace) -> NewEvent:
    subscription, tenant = trace.subscription, trace.subscription.tenant
    payload = {
        "subscription_id": subscription.public_id,
        "plan": subscription.plan.code,
        "status": subscription.status,
        "ends_at": subscription.ends_at.isoformat(),
    }
    name, shard = f"subscription.{trace.fact}", f"tenant:{tenant.public_id}"
    return NewEvent(name, tenant.pk, shard, payload)
