"""Start, extend and end periods; the only writer of a subscription's status."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Tenant, User
from accounts.services import audit
from orsta.core import errors
from orsta.core.outbox.services import NewEvent, emit_many
from subscriptions.models import Plan, Subscription
from subscriptions.states import SubscriptionStatus

_BATCH = 500


class NotRunning(errors.Conflict):
    """There is no running period to end."""

    code = "subscription_not_running"


@transaction.atomic
def activate(*, tenant: Tenant, plan: Plan, now: datetime) -> Subscription:
    """Give the tenant one more period of `plan`.

    A running period is extended from its end and takes on the plan at once; after a lapse
    a new period starts now.
    """
    period = timedelta(days=plan.period_days)
    start = {
        "plan": plan,
        "status": SubscriptionStatus.ACTIVE,
        "starts_at": now,
        "ends_at": now + period,
    }
    rows = Subscription.objects.for_tenant(tenant).select_for_update()
    subscription: Subscription
    subscription, created = rows.get_or_create(tenant=tenant, defaults=start)
    if not created:
        runs = subscription.status == SubscriptionStatus.ACTIVE and subscription.ends_at > now
        change = {"plan": plan, "ends_at": subscription.ends_at + period} if runs else start
        for name, value in change.items():
            setattr(subscription, name, value)
        subscription.save(update_fields=[*change, "updated_at"])
    emit_many([_event("activated", subscription)])
    return subscription


@transaction.atomic
def grant(
    *, tenant: Tenant, plan: Plan, reason: str, actor: User, now: datetime
) -> Subscription:
    """Give a period away, as staff may; the reason goes to the audit log."""
    subscription = activate(tenant=tenant, plan=plan, now=now)
    audit.record(
        action="subscription.granted",
        actor=actor.public_id,
        now=now,
        tenant=tenant,
        target=subscription.public_id,
        plan=plan.code,
        reason=reason,
    )
    return subscription


@transaction.atomic
def expire(*, subscription: Subscription, actor: User, now: datetime) -> None:
    """End a running period before its time, as staff may.

    :raises NotRunning: it is over already.
    """
    running = Subscription.objects.filter(
        pk=subscription.pk,
        status=SubscriptionStatus.ACTIVE,
        starts_at__lt=now,
        ends_at__gt=now,
    )
    if running.update(status=SubscriptionStatus.EXPIRED, ends_at=now, updated_at=now) != 1:
        raise NotRunning("This subscription is not running.")
    subscription.refresh_from_db()
    audit.record(
        action="subscription.expired",
        actor=actor.public_id,
        now=now,
        tenant=subscription.tenant,
        target=subscription.public_id,
    )
    emit_many([_event("expired", subscription)])


@transaction.atomic
def expire_due(*, now: datetime) -> int:
    """End up to a batch of periods whose time is over; return how many.

    Several callers may run at once: each takes rows that the others do not hold.
    """
    due = Subscription.objects.filter(status=SubscriptionStatus.ACTIVE, ends_at__lte=now)
    batch: list[Subscription] = list(
        due.select_related("tenant", "plan")
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("ends_at")[:_BATCH]
    )
    Subscription.objects.filter(pk__in=[row.pk for row in batch]).update(
        status=SubscriptionStatus.EXPIRED, updated_at=now
    )
    emit_many(_event("expired", row) for row in batch)
    return len(batch)


def _event(fact: str, subscription: Subscription) -> NewEvent:
    tenant = subscription.tenant
    payload = {
        "subscription_id": subscription.public_id,
        "plan": subscription.plan.code,
        "ends_at": subscription.ends_at.isoformat(),
    }
    return NewEvent(f"subscription.{fact}", tenant.pk, f"tenant:{tenant.public_id}", payload)
