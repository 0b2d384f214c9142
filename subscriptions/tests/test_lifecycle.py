"""Subscriptions start, extend, stop and end, and every step leaves its traces."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import make_tenant
from orsta.core.outbox.models import OutboxEvent
from subscriptions import selectors
from subscriptions.models import Subscription, SubscriptionTransition
from subscriptions.services import lifecycle, steps
from subscriptions.states import RUNNING, SubscriptionStatus, allows
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
S = SubscriptionStatus
NOW = timezone.now()
DAY, MONTH = timedelta(days=1), timedelta(days=30)
BY_STAFF = {"actor": "usr_staff", "reason": "Agreed by phone"}


def event_names() -> list[str]:
    events = OutboxEvent.objects.filter(name__startswith="subscription.").order_by("pk")
    return [
        name.removeprefix("subscription.") for name in events.values_list("name", flat=True)
    ]


def history() -> list[tuple[str, str]]:
    return list(SubscriptionTransition.objects.order_by("pk").values_list("old", "new"))


def make_subscription(status: S, *, grace_days: int = 5) -> Subscription:
    """Return a subscription that is in `status` at NOW."""
    tenant, plan = make_tenant(), make_plan(grace_days=grace_days)
    if status == S.TRIALING:
        return lifecycle.start_trial(tenant=tenant, plan=plan, days=14, now=NOW, **BY_STAFF)
    begun = {S.GRACE: NOW - MONTH - DAY, S.EXPIRED: NOW - 2 * MONTH}.get(status, NOW - DAY)
    subscribe(tenant, plan, now=begun)
    if status == S.PAST_DUE:
        lifecycle.mark_past_due(tenant=tenant, now=NOW, **BY_STAFF)
    elif status == S.SUSPENDED:
        lifecycle.suspend(tenant=tenant, now=NOW, **BY_STAFF)
    elif status == S.CANCELLED:
        lifecycle.cancel(tenant=tenant, at_end=False, now=NOW, **BY_STAFF)
    lifecycle.advance(now=NOW)
    return Subscription.objects.select_related("plan", "tenant").get()


STEPS = {
    "activate": lambda row: lifecycle.activate(tenant=row.tenant, plan=row.plan, now=NOW),
    "start_trial": lambda row: lifecycle.start_trial(
        tenant=row.tenant, plan=row.plan, days=14, now=NOW, **BY_STAFF
    ),
    "extend": lambda row: lifecycle.extend(tenant=row.tenant, days=3, now=NOW, **BY_STAFF),
    "mark_past_due": lambda row: lifecycle.mark_past_due(
        tenant=row.tenant, now=NOW, **BY_STAFF
    ),
    "cancel": lambda row: lifecycle.cancel(
        tenant=row.tenant, at_end=False, now=NOW, **BY_STAFF
    ),
    "cancel_at_end": lambda row: lifecycle.cancel(
        tenant=row.tenant, at_end=True, now=NOW, **BY_STAFF
    ),
    "keep": lambda row: lifecycle.keep(tenant=row.tenant, now=NOW, **BY_STAFF),
    "expire": lambda row: lifecycle.expire(tenant=row.tenant, now=NOW, **BY_STAFF),
    "suspend": lambda row: lifecycle.suspend(tenant=row.tenant, now=NOW, **BY_STAFF),
    "resume": lambda row: lifecycle.resume(tenant=row.tenant, now=NOW, **BY_STAFF),
}
REFUSALS = (lifecycle.NotRunning, lifecycle.TrialRefused, steps.WrongStatus)
# Where each step leads from each status; what is not here is refused.
OUTCOMES = {
    "activate": dict.fromkeys(S, S.ACTIVE) | {S.SUSPENDED: S.SUSPENDED},
    "start_trial": {S.EXPIRED: S.TRIALING, S.CANCELLED: S.TRIALING},
    "extend": {status: status for status in RUNNING} | {S.GRACE: S.ACTIVE},
    "mark_past_due": dict.fromkeys([S.ACTIVE, S.PAST_DUE], S.PAST_DUE),
    "cancel": dict.fromkeys(RUNNING | {S.SUSPENDED}, S.CANCELLED),
    "cancel_at_end": {status: status for status in RUNNING}
    | {S.GRACE: S.CANCELLED, S.SUSPENDED: S.CANCELLED},
    "keep": {status: status for status in RUNNING},
    "expire": dict.fromkeys(RUNNING | {S.SUSPENDED}, S.EXPIRED),
    "suspend": dict.fromkeys(RUNNING, S.SUSPENDED),
    "resume": {S.SUSPENDED: S.ACTIVE},
}


@pytest.mark.parametrize(("status", "step"), list(itertools.product(S, STEPS)))
def test_every_step_from_every_status(status, step):
    subscription = make_subscription(status)
    assert subscription.status == status
    before, traces = Subscription.objects.values().get(), len(history())

    if status in OUTCOMES[step]:
        STEPS[step](subscription)

        stored = Subscription.objects.get()
        assert stored.status == OUTCOMES[step][status]
        assert stored.status == status or allows(status, S(stored.status))
    else:
        with pytest.raises(REFUSALS):
            STEPS[step](subscription)

        assert Subscription.objects.values().get() == before
        assert len(history()) == traces


def test_a_first_period_starts_now():
    tenant = make_tenant()

    subscription = subscribe(tenant, make_plan(), now=NOW)

    assert subscription.status == S.ACTIVE
    assert (subscription.starts_at, subscription.ends_at) == (NOW, NOW + MONTH)
    assert (subscription.period_starts_at, subscription.period_ends_at) == (NOW, NOW + MONTH)
    assert history() == [("", S.ACTIVE)]
    event = OutboxEvent.objects.get(name="subscription.activated")
    assert event.shard == f"tenant:{tenant.public_id}"
    assert event.payload == {
        "subscription_id": subscription.public_id,
        "plan": "starter",
        "status": "ACTIVE",
        "ends_at": (NOW + MONTH).isoformat(),
    }


def test_a_running_period_is_extended_from_its_end():
    tenant = make_tenant()
    subscribe(tenant, now=NOW)

    subscription = subscribe(tenant, now=NOW + 10 * DAY)

    assert (subscription.starts_at, subscription.ends_at) == (NOW, NOW + 2 * MONTH)
    assert subscription.period_ends_at == NOW + MONTH
    assert event_names() == ["activated", "extended"]
    assert Subscription.objects.count() == 1


def test_an_extension_takes_on_the_new_plan_at_once():
    tenant = make_tenant()
    subscribe(tenant, now=NOW)
    large = make_plan("large", SESSIONS=20, is_default=False)

    subscribe(tenant, large, now=NOW)

    entitlements = selectors.entitlements_for(tenant=tenant, now=NOW)
    assert (entitlements.plan_code, entitlements.limit("SESSIONS")) == ("large", 20)


@pytest.mark.parametrize("seen_by_the_job", [True, False])
def test_after_a_lapse_a_new_period_starts_now(seen_by_the_job):
    tenant = make_tenant()
    subscribe(tenant, now=NOW)
    later = NOW + MONTH + 5 * DAY
    if seen_by_the_job:
        lifecycle.advance(now=later)

    subscription = subscribe(tenant, now=later)

    assert (subscription.starts_at, subscription.ends_at) == (later, later + MONTH)
    assert event_names() == ["activated", "expired", "activated"]
    assert history() == [("", S.ACTIVE), (S.ACTIVE, S.EXPIRED), (S.EXPIRED, S.ACTIVE)]


def test_days_of_grace_are_no_gift():
    subscription = make_subscription(S.GRACE)
    ended = subscription.ends_at

    renewed = subscribe(subscription.tenant, subscription.plan, now=NOW)

    assert (renewed.ends_at, renewed.grace_ends_at) == (ended + MONTH, None)
    assert event_names() == ["activated", "grace", "extended"]


def test_a_payment_never_buys_a_period_that_is_over_already():
    tenant, plan = make_tenant(), make_plan(period_days=1, grace_days=10)
    subscribe(tenant, plan, now=NOW - 6 * DAY)

    assert subscribe(tenant, plan, now=NOW).ends_at == NOW + DAY


def test_a_payment_takes_back_a_cancellation():
    subscription = make_subscription(S.ACTIVE)
    STEPS["cancel_at_end"](subscription)

    assert not subscribe(subscription.tenant, now=NOW).cancel_at_end


def test_what_was_cancelled_runs_to_its_end_and_no_further():
    subscription = make_subscription(S.ACTIVE)

    STEPS["cancel_at_end"](subscription)
    lifecycle.advance(now=subscription.ends_at - DAY)
    assert Subscription.objects.get().status == S.ACTIVE
    lifecycle.advance(now=subscription.ends_at)

    assert Subscription.objects.get().status == S.CANCELLED
    assert event_names() == ["activated", "cancellation_scheduled", "cancelled"]


def test_cancelling_twice_is_one_cancellation():
    subscription = make_subscription(S.ACTIVE)

    STEPS["cancel_at_end"](subscription)
    STEPS["cancel_at_end"](subscription)

    assert event_names() == ["activated", "cancellation_scheduled"]


def test_a_cancellation_can_be_taken_back():
    subscription = make_subscription(S.ACTIVE)
    STEPS["cancel_at_end"](subscription)

    STEPS["keep"](subscription)
    lifecycle.advance(now=subscription.ends_at)

    assert Subscription.objects.get().status == S.GRACE


def test_time_that_was_paid_for_while_suspended_is_there_after_it():
    subscription = make_subscription(S.SUSPENDED)
    ended = subscription.ends_at

    paid = subscribe(subscription.tenant, subscription.plan, now=NOW)
    assert (paid.status, paid.ends_at) == (S.SUSPENDED, ended + MONTH)

    resumed = STEPS["resume"](subscription)
    assert (resumed.status, resumed.ends_at) == (S.ACTIVE, ended + MONTH)
    assert event_names() == ["activated", "suspended", "extended", "activated"]


@pytest.mark.parametrize("status", [S.TRIALING, S.ACTIVE, S.PAST_DUE, S.GRACE])
def test_resuming_puts_back_what_was(status):
    subscription = make_subscription(status)
    STEPS["suspend"](subscription)

    assert STEPS["resume"](subscription).status == status


def test_resuming_after_the_end_ends_it():
    subscription = make_subscription(S.SUSPENDED, grace_days=0)

    resumed = lifecycle.resume(tenant=subscription.tenant, now=NOW + 2 * MONTH, **BY_STAFF)

    assert resumed.status == S.EXPIRED
    assert event_names() == ["activated", "suspended", "activated", "expired"]


def test_a_trial_is_given_once():
    subscription = make_subscription(S.TRIALING)
    lifecycle.advance(now=NOW + MONTH)
    assert Subscription.objects.get().status == S.EXPIRED

    with pytest.raises(lifecycle.TrialRefused, match="had its trial"):
        lifecycle.start_trial(
            tenant=subscription.tenant, plan=subscription.plan, days=14, now=NOW + MONTH,
            **BY_STAFF,
        )  # fmt: skip


def test_a_change_by_hand_is_audited_with_what_was_before():
    subscription = make_subscription(S.ACTIVE)
    ended = subscription.ends_at

    STEPS["extend"](subscription)

    entry = AuditEntry.objects.get(action="subscription.extended")
    assert (entry.actor, entry.target) == ("usr_staff", subscription.public_id)
    assert entry.reason == "Agreed by phone"
    assert entry.before["ends_at"] == ended.isoformat()
    assert entry.after["ends_at"] == (ended + 3 * DAY).isoformat()
    step = SubscriptionTransition.objects.latest("pk")
    assert (step.actor, step.reason, step.at) == ("usr_staff", "Agreed by phone", NOW)


def test_what_time_does_is_in_the_history_and_not_in_the_audit_log():
    make_subscription(S.EXPIRED)

    assert history() == [("", S.ACTIVE), (S.ACTIVE, S.EXPIRED)]
    assert SubscriptionTransition.objects.latest("pk").actor == "system"
    assert not AuditEntry.objects.exists()
