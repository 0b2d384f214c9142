"""Staff sell plans, give periods away and end them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import make_tenant, make_user
from subscriptions import selectors
from subscriptions.models import (
    EntitlementOverride,
    Plan,
    QuotaUsage,
    Subscription,
    SubscriptionTransition,
)
from subscriptions.services import quotas
from subscriptions.states import SubscriptionStatus
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
SUBMITTED = {"_form_submitted": "True"}
# The limits of a plan, as its page sends them.
LIMITS = {
    "entitlements-TOTAL_FORMS": "1", "entitlements-INITIAL_FORMS": "0",
    "entitlements-0-feature": "AGENTS", "entitlements-0-limit": "4",
}  # fmt: skip


REASON = {"reason": "Agreed by phone"}
ACTIONS = [
    "grant_period", "extend", "change_limit", "cancel", "suspend", "resume", "expire_now",
]  # fmt: skip


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
    quotas.reserve(tenant=tenant, feature="SESSIONS", now=timezone.now())

    assert client.get(url(f"{model}_changelist") + search).status_code == 200


def test_every_row_opens(client):
    tenant = make_tenant()
    subscription = subscribe(tenant)
    quotas.reserve(tenant=tenant, feature="SESSIONS", now=timezone.now())

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
        "period_days": "30", "grace_days": "3", "rate_class": "PLUS", "is_default": "on",
        "is_active": "on",
    } | LIMITS  # fmt: skip

    response = client.post(url("plan_change", plan.pk), form)

    assert response.status_code == 302
    stored = Plan.objects.get()
    assert (stored.price_minor, stored.grace_days, stored.rate_class) == (1999, 3, "PLUS")


def test_a_plans_engine_is_one_that_is_offered(client, settings):
    settings.ORSTA_ENGINES = {"wuzapi": {}}
    form = {
        "code": "starter", "name": "Starter", "price_minor": "1999", "currency": "USD",
        "period_days": "30", "grace_days": "3", "rate_class": "PLUS", "is_default": "on",
        "is_active": "on",
    } | LIMITS  # fmt: skip
    plan = make_plan()

    client.post(url("plan_change", plan.pk), form | {"engine": "telepathy"})
    plan.refresh_from_db()
    assert plan.engine == ""

    client.post(url("plan_change", plan.pk), form | {"engine": "wuzapi"})
    plan.refresh_from_db()
    assert plan.engine == "wuzapi"


def test_a_plans_limits_are_edited_with_it_and_hold_at_once(client):
    tenant = make_tenant()
    subscribe(tenant, now=timezone.now())
    now = timezone.now()
    assert selectors.entitlements_for(tenant=tenant, now=now).limit("AGENTS") == 0

    form = {
        "code": "starter", "name": "Starter", "price_minor": "999", "currency": "USD",
        "period_days": "30", "grace_days": "0", "rate_class": "STANDARD", "is_default": "on",
        "is_active": "on",
    }  # fmt: skip
    client.post(url("plan_change", Plan.objects.get().pk), form | LIMITS)

    assert selectors.entitlements_for(tenant=tenant, now=now).limit("AGENTS") == 4


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
        "period_days": "30", "grace_days": "0", "rate_class": "STANDARD", "is_active": "on",
    } | LIMITS | change  # fmt: skip

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
    entry = AuditEntry.objects.get(action="subscription.extended")
    assert (entry.actor, entry.reason) == (staff.public_id, "An apology")


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


STEPS = [
    ("extend", {"days": "7"}, SubscriptionStatus.ACTIVE),
    ("cancel", {"when": "now"}, SubscriptionStatus.CANCELLED),
    ("cancel", {"when": "at_end"}, SubscriptionStatus.ACTIVE),
    ("suspend", {}, SubscriptionStatus.SUSPENDED),
    ("expire_now", {}, SubscriptionStatus.EXPIRED),
]


@pytest.mark.parametrize(("action", "values", "status"), STEPS)
def test_staff_take_every_step_with_a_reason(client, staff, action, values, status):
    subscription = subscribe(make_tenant())

    client.post(url(f"subscription_{action}", subscription.pk), SUBMITTED | REASON | values)

    assert Subscription.objects.get().status == status
    step = SubscriptionTransition.objects.latest("pk")
    assert (step.actor, step.reason) == (staff.public_id, REASON["reason"])
    entry = AuditEntry.objects.latest("pk")
    assert (entry.actor, entry.reason) == (staff.public_id, REASON["reason"])


@pytest.mark.parametrize(("action", "values", "status"), STEPS)
def test_without_a_reason_there_is_no_step(client, action, values, status):
    subscription = subscribe(make_tenant())
    before = Subscription.objects.values().get()

    response = client.post(
        url(f"subscription_{action}", subscription.pk), SUBMITTED | values | {"reason": ""}
    )

    assert response.status_code == 200
    assert Subscription.objects.values().get() == before


def test_staff_lift_a_suspension(client):
    subscription = subscribe(make_tenant())
    client.post(url("subscription_suspend", subscription.pk), SUBMITTED | REASON)

    client.post(url("subscription_resume", subscription.pk), SUBMITTED | REASON)

    assert Subscription.objects.get().status == SubscriptionStatus.ACTIVE


def test_staff_take_a_cancellation_back(client):
    subscription = subscribe(make_tenant())
    address = url("subscription_cancel", subscription.pk)
    client.post(address, SUBMITTED | REASON | {"when": "at_end"})

    client.post(address, SUBMITTED | REASON | {"when": "keep"})

    assert not Subscription.objects.get().cancel_at_end


def test_staff_start_a_trial_once(client):
    tenant, plan = make_tenant(), make_plan()
    form = {"tenant": tenant.public_id, "plan": plan.pk, "days": "14"} | REASON

    for _ in range(2):
        client.post(url("subscription_start_trial"), SUBMITTED | form)

    assert Subscription.objects.get().status == SubscriptionStatus.TRIALING
    assert SubscriptionTransition.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ({"kind": "number", "limit": "9"}, 9),
        ({"kind": "number", "limit": "9", "days": "3"}, 9),
        ({"kind": "unlimited"}, None),
    ],
)
def test_staff_give_a_tenant_its_own_limit_and_take_it_away(client, values, limit):
    subscription = subscribe(make_tenant())
    address = url("subscription_change_limit", subscription.pk)
    form = SUBMITTED | REASON | {"feature": "SESSIONS"}

    client.post(address, form | values)
    override = EntitlementOverride.objects.get()
    assert (override.limit, override.reason) == (limit, REASON["reason"])
    assert (override.expires_at is not None) == ("days" in values)
    page = client.get(url("subscription_change", subscription.pk)).content.decode()
    assert "Sessions at once: own limit" in page

    client.post(address, form | {"kind": "plan"})
    assert not EntitlementOverride.objects.exists()


def test_a_number_that_is_missing_is_an_error_on_the_form(client):
    subscription = subscribe(make_tenant())

    response = client.post(
        url("subscription_change_limit", subscription.pk),
        SUBMITTED | REASON | {"feature": "SESSIONS", "kind": "number"},
    )

    assert "Say how many." in response.content.decode()
    assert not EntitlementOverride.objects.exists()


def test_a_subscriptions_page_draws_its_usage(client):
    tenant = make_tenant()
    subscription = subscribe(tenant, make_plan(MESSAGES=50))
    quotas.reserve(tenant=tenant, feature="MESSAGES", amount=20, now=timezone.now())

    page = client.get(url("subscription_change", subscription.pk)).content.decode()

    assert page.count("<rect") == 30
    assert "20 of 50" in page


def test_ending_a_period_that_is_over_is_a_message(client):
    subscription = subscribe(make_tenant(), now=timezone.now() - timedelta(days=30))

    client.post(url("subscription_expire_now", subscription.pk), SUBMITTED | REASON)

    page = client.get(url("subscription_change", subscription.pk))
    assert "This workspace has no running subscription." in page.content.decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_looking_at_a_dialog_changes_nothing(client, action):
    subscription = subscribe(make_tenant())
    before = Subscription.objects.values().get()

    assert client.get(url(f"subscription_{action}", subscription.pk)).status_code == 200
    assert Subscription.objects.values().get() == before


@pytest.mark.parametrize("action", ACTIONS)
def test_staff_without_the_permission_can_do_none_of_it(action):
    subscription = subscribe(make_tenant())
    before = Subscription.objects.values().get()
    browser = Client()
    browser.force_login(make_user(is_staff=True))

    response = browser.post(url(f"subscription_{action}", subscription.pk), SUBMITTED | REASON)

    assert response.status_code == 403
    assert Subscription.objects.values().get() == before
