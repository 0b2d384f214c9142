"""`/v1/me`, `/v1/usage` and `/v1/plans` as programs see them."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Tenant
from accounts.tests.factories import make_api_key, make_tenant
from subscriptions.models import Feature, Subscription
from subscriptions.services import lifecycle, quotas
from subscriptions.states import SubscriptionStatus
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


@pytest.fixture
def api(tenant) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(tenant).text)
    return client


def test_me_tells_the_workspace_its_plan_and_what_is_taken(api, tenant):
    subscription = subscribe(tenant, make_plan(MESSAGES=100))
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=5, now=timezone.now())

    body = api.get("/v1/me").json()

    assert body["user"]["id"] == body["user"]["tenant_id"] == tenant.public_id
    assert body["subscription"]["id"] == subscription.public_id
    shown = ("plan", "status", "max_sessions", "max_messages", "cancel_at_end")
    assert [body["subscription"][name] for name in shown] == [
        "starter",
        "active",
        3,
        100,
        False,
    ]
    assert body["entitlements"]["active"] is True
    assert body["entitlements"]["limits"]["sessions"] == 3
    assert body["entitlements"]["limits"]["agents"] == 0
    usage = {row["feature"]: row["used"] for row in body["usage"]}
    assert usage == {"sessions": 0, "messages": 5, "webhook_endpoints": 0, "agents": 0}


def test_g6_me_has_no_hash_of_a_key(api, tenant):
    subscribe(tenant)

    text = api.get("/v1/me").content.decode()

    assert "api_key" not in text
    assert "digest" not in text


def test_me_calls_a_tenant_of_a_service_by_its_name(api, tenant):
    Tenant.objects.filter(pk=tenant.pk).update(source="app", external_id="usr_001")

    user = api.get("/v1/me").json()["user"]

    assert (user["id"], user["source_service"]) == ("usr_001", "app")


def test_me_without_a_subscription_says_so(api):
    body = api.get("/v1/me").json()

    assert body["subscription"] is None
    assert body["entitlements"]["active"] is False
    assert set(body["entitlements"]["limits"].values()) == {0}


def test_me_shows_what_ended_as_ended_and_writes_it_down(api, tenant):
    subscribe(tenant, now=timezone.now() - MONTH)

    response = api.get("/v1/me")

    assert response.status_code == 200
    assert response.json()["subscription"]["status"] == "expired"
    assert Subscription.objects.get().status == SubscriptionStatus.EXPIRED


def test_usage_has_every_day_that_was_asked_for(api, tenant):
    subscribe(tenant, make_plan(MESSAGES=100))
    quotas.reserve(tenant=tenant, feature=Feature.MESSAGES, amount=5, now=timezone.now())

    body = api.get("/v1/usage?days=7").json()

    messages = next(row for row in body["features"] if row["feature"] == "messages")
    assert [day["used"] for day in messages["days"]] == [0, 0, 0, 0, 0, 0, 5]
    assert (messages["used"], messages["limit"]) == (5, 100)
    assert messages["resets_at"] == body["period_ends_at"]


@pytest.mark.parametrize("days", ["0", "367", "many"])
def test_usage_of_an_impossible_range_is_refused(api, days):
    response = api.get(f"/v1/usage?days={days}")

    assert response.status_code == 400
    assert "days" in response.json()["fields"]


def test_plans_for_sale_are_listed_cheapest_first_and_mine_is_marked(api, tenant):
    make_plan("hidden", is_active=False, is_default=False)
    make_plan("business", price_minor=4900, is_default=False, SESSIONS=25, MESSAGES=None)
    subscribe(tenant, make_plan())

    plans = api.get("/v1/plans").json()["plans"]

    assert [(plan["code"], plan["is_current"]) for plan in plans] == [
        ("starter", True),
        ("business", False),
    ]
    assert plans[1]["limits"] == {"sessions": 25, "messages": None}


def test_another_tenants_usage_is_not_mine(api, tenant):
    other = make_tenant("Bob")
    subscribe(tenant)
    subscribe(other)
    quotas.reserve(tenant=other, feature=Feature.SESSIONS, amount=3, now=timezone.now())

    assert api.get("/v1/me").json()["usage"][0]["used"] == 0


@pytest.mark.parametrize("path", ["me", "usage", "plans"])
def test_nobody_reads_without_a_key(path):
    assert APIClient().get(f"/v1/{path}").status_code == 401


@pytest.mark.parametrize(("path", "most"), [("me", 5), ("usage", 2), ("plans", 6)])
def test_reading_costs_few_queries(api, tenant, path, most, django_assert_max_num_queries):
    subscribe(tenant)
    api.get(f"/v1/{path}")

    with django_assert_max_num_queries(most):
        api.get(f"/v1/{path}")


def test_a_suspension_by_staff_is_shown(api, tenant):
    subscribe(tenant)
    lifecycle.suspend(tenant=tenant, actor="usr_staff", reason="Abuse", now=timezone.now())

    body = api.get("/v1/me").json()

    assert body["subscription"]["status"] == "suspended"
    assert body["entitlements"]["active"] is False
