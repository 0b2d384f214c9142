"""Staff edit the plans that are for sale."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import make_tenant
from subscriptions import selectors
from subscriptions.models import Plan
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
# The default plan with a limit, as its page sends them.
FORM = {
    "code": "starter", "name": "Starter", "price_minor": "999", "currency": "USD",
    "period_days": "30", "grace_days": "0", "rate_class": "STANDARD", "is_default": "on",
    "is_active": "on",
    "entitlements-TOTAL_FORMS": "1", "entitlements-INITIAL_FORMS": "0",
    "entitlements-0-feature": "AGENTS", "entitlements-0-limit": "4",
}  # fmt: skip


def url(page: str, *args: object) -> str:
    return reverse(f"admin:subscriptions_plan_{page}", args=args)


def test_a_plans_price_can_be_changed(admin):
    plan = make_plan()
    change = {"price_minor": "1999", "grace_days": "3", "rate_class": "PLUS"}

    response = admin.post(url("change", plan.pk), FORM | change)

    assert response.status_code == 302
    stored = Plan.objects.get()
    assert (stored.price_minor, stored.grace_days, stored.rate_class) == (1999, 3, "PLUS")


def test_a_plans_engine_is_one_that_is_offered(admin, settings):
    settings.ORSTA_ENGINES = {"wuzapi": {}}
    plan = make_plan()

    admin.post(url("change", plan.pk), FORM | {"engine": "telepathy"})
    plan.refresh_from_db()
    assert plan.engine == ""

    admin.post(url("change", plan.pk), FORM | {"engine": "wuzapi"})
    plan.refresh_from_db()
    assert plan.engine == "wuzapi"


def test_a_plans_limits_are_edited_with_it_and_hold_at_once(admin):
    tenant = make_tenant()
    subscribe(tenant, now=timezone.now())
    now = timezone.now()
    assert selectors.entitlements_for(tenant=tenant, now=now).limit("AGENTS") == 0

    admin.post(url("change", Plan.objects.get().pk), FORM)

    assert selectors.entitlements_for(tenant=tenant, now=now).limit("AGENTS") == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"price_minor": "0"}, "plan_price_positive"),
        ({"currency": "usd"}, "plan_currency_iso"),
        ({"is_default": "on"}, "Another plan is the default one"),
    ],
)
def test_a_senseless_plan_is_an_error_on_the_form(admin, change, message):
    make_plan()
    second = {name: value for name, value in FORM.items() if name != "is_default"}

    response = admin.post(url("add"), second | {"code": "second", "name": "Second"} | change)

    assert response.status_code == 200
    assert message in response.content.decode()
    assert Plan.objects.count() == 1


def test_a_plan_in_use_can_not_be_deleted(admin):
    plan = subscribe(make_tenant()).plan

    admin.post(url("delete", plan.pk), {"post": "yes"})

    assert Plan.objects.filter(pk=plan.pk).exists()


def test_a_plan_nobody_has_can_be_deleted(admin):
    plan = make_plan()

    admin.post(url("delete", plan.pk), {"post": "yes"})

    assert not Plan.objects.exists()
