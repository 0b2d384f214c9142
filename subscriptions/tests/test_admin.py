"""Staff sell plans, give periods away and end them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import make_tenant, make_user
from subscriptions.models import Plan, QuotaUsage, Subscription
from subscriptions.services import quotas
from subscriptions.states import SubscriptionStatus
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
SUBMITTED = {"_form_submitted": "True"}


@pytest.fixture
def staff():
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def client(staff) -> Client:
    browser = Client()
    browser.force_login(staff)
    return browser


def url(name: str, *args: object) -> str:
    return reverse(f"admin:subscriptions_{name}", args=args)


@pytest.mark.parametrize("search", ["", "?q=acme"])
@pytest.mark.parametrize("model", ["plan", "subscription", "quotausage"])
def test_every_list_opens_and_searches(client, model, search):
    tenant = make_tenant()
    subscribe(tenant)
    quotas.reserve_session(tenant=tenant, now=timezone.now())

    assert client.get(url(f"{model}_changelist") + search).status_code == 200


def test_every_row_opens(client):
    tenant = make_tenant()
    subscription = subscribe(tenant)
    quotas.reserve_session(tenant=tenant, now=timezone.now())

    for model, row in [
        ("plan", subscription.plan),
        ("subscription", subscription),
        ("quotausage", QuotaUsage.objects.get()),
    ]:
        assert client.get(url(f"{model}_change", row.pk)).status_code == 200


def test_a_plans_price_can_be_changed(client):
    plan = make_plan()
    form = {
        "code": "starter", "name": "Starter", "price_minor": "1999", "currency": "USD",
        "period_days": "30", "max_sessions": "3", "is_default": "on", "is_active": "on",
    }  # fmt: skip

    response = client.post(url("plan_change", plan.pk), form)

    assert response.status_code == 302
    assert Plan.objects.get().price_minor == 1999


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"price_minor": "0"}, "plan_price_positive"),
        ({"currency": "usd"}, "plan_currency_iso"),
        ({"is_default": "on"}, "Another plan is the default one"),
    ],
)
def test_a_senseless_plan_is_an_error_on_the_form(client, change, message):
    make_plan()
    form = {
        "code": "second", "name": "Second", "price_minor": "1", "currency": "USD",
        "period_days": "30", "max_sessions": "3",
    } | change  # fmt: skip

    response = client.post(url("plan_add"), form)

    assert response.status_code == 200
    assert message in response.content.decode()
    assert Plan.objects.count() == 1


def test_a_plan_in_use_can_not_be_deleted(client):
    plan = subscribe(make_tenant()).plan

    client.post(url("plan_delete", plan.pk), {"post": "yes"})

    assert Plan.objects.filter(pk=plan.pk).exists()


def test_a_plan_nobody_has_can_be_deleted(client):
    plan = make_plan()

    client.post(url("plan_delete", plan.pk), {"post": "yes"})

    assert not Plan.objects.exists()


def test_a_subscription_can_not_be_edited(client):
    subscription = subscribe(make_tenant())
    before = Subscription.objects.values().get()

    response = client.post(url("subscription_change", subscription.pk), {"status": "EXPIRED"})

    assert response.status_code == 403
    assert Subscription.objects.values().get() == before


def test_staff_grant_a_period_with_a_reason(client, staff):
    subscription = subscribe(make_tenant())
    large = make_plan("large", is_default=False)

    response = client.post(
        url("subscription_grant_period", subscription.pk),
        SUBMITTED | {"plan": large.pk, "reason": "An apology"},
    )

    assert response.headers["HX-Redirect"] == url("subscription_change", subscription.pk)
    stored = Subscription.objects.get()
    assert (stored.plan, stored.ends_at - stored.starts_at) == (large, timedelta(days=60))
    entry = AuditEntry.objects.get(action="subscription.granted")
    assert (entry.actor, entry.detail["reason"]) == (staff.public_id, "An apology")


def test_staff_grant_a_first_period_by_the_tenants_id(client):
    tenant, plan = make_tenant(), make_plan()

    client.post(
        url("subscription_grant_to_tenant"),
        SUBMITTED | {"tenant": tenant.public_id, "plan": plan.pk, "reason": "Trial"},
    )

    assert Subscription.objects.get().tenant == tenant


@pytest.mark.parametrize(
    "change", [{"reason": ""}, {"plan": ""}, {"tenant": "ten_nobody"}, {"tenant": "\x00"}]
)
def test_an_incomplete_grant_grants_nothing(client, change):
    tenant, plan = make_tenant(), make_plan()
    form = {"tenant": tenant.public_id, "plan": plan.pk, "reason": "Trial"} | change

    response = client.post(url("subscription_grant_to_tenant"), SUBMITTED | form)

    assert response.status_code == 200
    assert not Subscription.objects.exists()


def test_staff_end_a_period(client):
    subscription = subscribe(make_tenant())

    client.post(url("subscription_expire_now", subscription.pk), SUBMITTED)

    assert Subscription.objects.get().status == SubscriptionStatus.EXPIRED


def test_ending_a_period_that_is_over_is_a_message(client):
    subscription = subscribe(make_tenant(), now=timezone.now() - timedelta(days=30))

    client.post(url("subscription_expire_now", subscription.pk), SUBMITTED)

    page = client.get(url("subscription_change", subscription.pk))
    assert "This subscription is not running." in page.content.decode()


@pytest.mark.parametrize("action", ["grant_period", "expire_now"])
def test_looking_at_a_dialog_changes_nothing(client, action):
    subscription = subscribe(make_tenant())
    before = Subscription.objects.values().get()

    assert client.get(url(f"subscription_{action}", subscription.pk)).status_code == 200
    assert Subscription.objects.values().get() == before


@pytest.mark.parametrize("action", ["grant_period", "expire_now"])
def test_staff_without_the_permission_can_do_neither(action):
    subscription = subscribe(make_tenant())
    before = Subscription.objects.values().get()
    browser = Client()
    browser.force_login(make_user(is_staff=True))

    response = browser.post(url(f"subscription_{action}", subscription.pk), SUBMITTED)

    assert response.status_code == 403
    assert Subscription.objects.values().get() == before
