"""What a tenant may do, asked at a moment."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.tests.factories import make_tenant
from subscriptions import selectors
from subscriptions.entitlements import Entitlements
from subscriptions.models import Plan
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MONTH = timedelta(days=30)


def test_without_a_subscription_nothing_is_allowed():
    entitlements = selectors.entitlements_for(tenant=make_tenant(), now=NOW)

    assert entitlements == Entitlements("", active=False, max_sessions=0, ends_at=None)


def test_a_running_period_allows_what_its_plan_says():
    tenant = make_tenant()
    subscribe(tenant, now=NOW)

    entitlements = selectors.entitlements_for(tenant=tenant, now=NOW)

    assert entitlements == Entitlements(
        "starter", active=True, max_sessions=3, ends_at=NOW + MONTH
    )


@pytest.mark.parametrize(
    ("moment", "active"), [(MONTH - timedelta(microseconds=1), True), (MONTH, False)]
)
def test_a_period_ends_to_the_microsecond_without_waiting_for_the_job(moment, active):
    tenant = make_tenant()
    subscribe(tenant, now=NOW)

    entitlements = selectors.entitlements_for(tenant=tenant, now=NOW + moment)

    assert entitlements.active is active
    assert entitlements.max_sessions == (3 if active else 0)


def test_another_tenants_subscription_entitles_nobody_else():
    subscribe(make_tenant("Alice"), now=NOW)

    assert not selectors.entitlements_for(tenant=make_tenant("Bob"), now=NOW).active


def test_entitlements_cost_one_query(django_assert_num_queries):
    tenant = make_tenant()
    subscribe(tenant, now=NOW)

    with django_assert_num_queries(1):
        selectors.entitlements_for(tenant=tenant, now=NOW)


def test_the_default_plan_is_the_one_marked_so():
    make_plan("other", is_default=False)
    starter = make_plan()

    assert selectors.default_plan() == starter


@pytest.mark.parametrize("change", [{"is_default": False}, {"is_active": False}])
def test_without_a_default_plan_for_sale_the_error_says_so(change):
    make_plan(**change)

    with pytest.raises(selectors.NoPlanForSale):
        selectors.default_plan()


@pytest.mark.parametrize(
    "fields",
    [{"currency": "usd"}, {"currency": "US"}, {"period_days": 0}, {"price_minor": 0}],
)
def test_the_database_refuses_a_senseless_plan(fields):
    with pytest.raises(IntegrityError):
        make_plan(**fields)


def test_there_is_one_default_plan():
    make_plan()

    with pytest.raises(IntegrityError):
        make_plan("second")


def test_plans_in_use_are_protected():
    subscribe(make_tenant())

    with pytest.raises(IntegrityError):
        Plan.objects.all().delete()
