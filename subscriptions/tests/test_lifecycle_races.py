"""Steps of one subscription at once take turns, and each finds what the one before left."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.tests.factories import make_tenant
from orsta.core.outbox.models import OutboxEvent
from subscriptions.models import Subscription
from subscriptions.services import lifecycle
from subscriptions.states import SubscriptionStatus
from subscriptions.tests.factories import make_plan, subscribe
from subscriptions.tests.waiting import start_waiting

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()
MONTH = timedelta(days=30)
BY_STAFF = {"actor": "usr_staff", "reason": "Agreed by phone"}


def test_concurrent_first_activations_add_up(race):
    tenant, plan = make_tenant(), make_plan()

    race(5, lambda: lifecycle.activate(tenant=tenant, plan=plan, now=NOW))

    assert Subscription.objects.get().ends_at == NOW + 5 * MONTH
    names = OutboxEvent.objects.filter(name__startswith="subscription.")
    assert sorted(names.values_list("name", flat=True)) == [
        "subscription.activated",
        *["subscription.extended"] * 4,
    ]


def test_a_payment_that_waits_while_staff_grant_another_plan_buys_its_period():
    tenant, starter = make_tenant(), make_plan()
    subscribe(tenant, starter, now=NOW)

    with transaction.atomic():
        subscribe(tenant, make_plan("large", is_default=False), now=NOW)
        waiting = start_waiting(
            lambda: lifecycle.activate(tenant=tenant, plan=starter, now=NOW)
        )

    bought = waiting.result()
    assert (bought.plan, bought.ends_at) == (starter, NOW + 3 * MONTH)


def test_a_suspension_that_waits_while_a_payment_changes_the_plan_is_no_less_one():
    tenant, large = make_tenant(), make_plan("large", is_default=False)
    subscribe(tenant, now=NOW)

    with transaction.atomic():
        subscribe(tenant, large, now=NOW)
        waiting = start_waiting(lambda: lifecycle.suspend(tenant=tenant, now=NOW, **BY_STAFF))

    suspended = waiting.result()
    assert (suspended.plan, suspended.status) == (large, SubscriptionStatus.SUSPENDED)
