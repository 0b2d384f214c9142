"""Staff see who has which plan, give periods away and end them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.clients import SUBMITTED
from accounts.tests.factories import make_tenant, make_user
from subscriptions.models import (
    EntitlementOverride,
    QuotaUsage,
    Subscription,
    SubscriptionTransition,
)
from subscriptions.services import quotas
from subscriptions.states import SubscriptionStatus
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
REASON = {"reason": "Agreed by phone"}
ACTIONS = [
    "grant_period", "extend", "change_limit", "cancel", "suspend", "resume", "expire_now",
]  # fmt: skip


def url(name: str, *args: object) -> str:
    return reverse(f"admin:subscriptions_{name}", args=args)


@pytest.mark.parametrize("search", ["", "?q=acme"])
@pytest.mark.parametrize("model", ["plan", "subscription", "quotausage"])
def test_every_list_opens_and_searches(admin, model, search):
    tenant = make_tenant()
    subscribe(tenant)
    quotas.reserve(tenant=tenant, feature="SESSIONS", now=timezone.now())

    assert admin.get(url(f"{model}_changelist") + search).status_code == 200


def test_every_row_opens(admin):
    tenant = make_tenant()
    subscription = subscribe(tenant)
    quotas.reserve(tenant=tenant, feature="SESSIONS", now=timezone.now())

    for model, row in [
        ("plan", subscription.plan),
        ("subscription", subscription),
        ("quotausage", QuotaUsage.objects.get()),
    ]:
        assert admin.get(url(f"{model}_change", row.pk)).status_code == 200


def test_a_subscription_can_not_be_edited(admin):
    subscription = subscribe(make_tenant())
    before = Subscription.objects.values().get()

    response = admin.post(url("subscription_change", subscription.pk), {"status": "EXPIRED"})

    assert response.status_code == 403
    assert Subscription.objects.values().get() == before


def test_staff_grant_a_period_with_a_reason(admin, staff):
    subscription = subscribe(make_tenant())
    large = make_plan("large", is_default=False)

    response = admin.post(
        url("subscription_grant_period", subscription.pk),
        SUBMITTED | {"plan": large.pk, "reason": "An apology"},
    )

    assert response.headers["HX-Redirect"] == url("subscription_change", subscription.pk)
    stored = Subscription.objects.get()
    assert (stored.plan, stored.ends_at - stored.starts_at) == (large, timedelta(days=60))
    entry = AuditEntry.objects.get(action="subscription.extended")
    assert (entry.actor, entry.reason) == (staff.public_id, "An apology")


def test_staff_grant_a_first_period_by_the_tenants_id(admin):
    tenant, plan = make_tenant(), make_plan()

    admin.post(
        url("subscription_grant_to_tenant"),
        SUBMITTED | {"tenant": tenant.public_id, "plan": plan.pk, "reason": "Trial"},
    )

    assert Subscription.objects.get().tenant == tenant


@pytest.mark.parametrize(
    "change", [{"reason": ""}, {"plan": ""}, {"tenant": "ten_nobody"}, {"tenant": "\x00"}]
)
def test_an_incomplete_grant_grants_nothing(admin, change):
    tenant, plan = make_tenant(), make_plan()
    form = {"tenant": tenant.public_id, "plan": plan.pk, "reason": "Trial"} | change

    response = admin.post(url("subscription_grant_to_tenant"), SUBMITTED | form)

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
def test_staff_take_every_step_with_a_reason(admin, staff, action, values, status):
    subscription = subscribe(make_tenant())

    admin.post(url(f"subscription_{action}", subscription.pk), SUBMITTED | REASON | values)

    assert Subscription.objects.get().status == status
    step = SubscriptionTransition.objects.latest("pk")
    assert (step.actor, step.reason) == (staff.public_id, REASON["reason"])
    entry = AuditEntry.objects.latest("pk")
    assert (entry.actor, entry.reason) == (staff.public_id, REASON["reason"])


@pytest.mark.parametrize(("action", "values", "status"), STEPS)
def test_without_a_reason_there_is_no_step(admin, action, values, status):
    subscription = subscribe(make_tenant())
    before = Subscription.objects.values().get()

    response = admin.post(
        url(f"subscription_{action}", subscription.pk), SUBMITTED | values | {"reason": ""}
    )

    assert response.status_code == 200
    assert Subscription.objects.values().get() == before


def test_staff_lift_a_suspension(admin):
    subscription = subscribe(make_tenant())
    admin.post(url("subscription_suspend", subscription.pk), SUBMITTED | REASON)

    admin.post(url("subscription_resume", subscription.pk), SUBMITTED | REASON)

    assert Subscription.objects.get().status == SubscriptionStatus.ACTIVE


def test_staff_take_a_cancellation_back(admin):
    subscription = subscribe(make_tenant())
    address = url("subscription_cancel", subscription.pk)
    admin.post(address, SUBMITTED | REASON | {"when": "at_end"})

    admin.post(address, SUBMITTED | REASON | {"when": "keep"})

    assert not Subscription.objects.get().cancel_at_end


def test_staff_start_a_trial_once(admin):
    tenant, plan = make_tenant(), make_plan()
    form = {"tenant": tenant.public_id, "plan": plan.pk, "days": "14"} | REASON

    for _ in range(2):
        admin.post(url("subscription_start_trial"), SUBMITTED | form)

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
def test_staff_give_a_tenant_its_own_limit_and_take_it_away(admin, values, limit):
    subscription = subscribe(make_tenant())
    address = url("subscription_change_limit", subscription.pk)
    form = SUBMITTED | REASON | {"feature": "SESSIONS"}

    admin.post(address, form | values)
    override = EntitlementOverride.objects.get()
    assert (override.limit, override.reason) == (limit, REASON["reason"])
    assert (override.expires_at is not None) == ("days" in values)
    page = admin.get(url("subscription_change", subscription.pk)).content.decode()
    assert "Sessions at once: own limit" in page

    admin.post(address, form | {"kind": "plan"})
    assert not EntitlementOverride.objects.exists()


@pytest.mark.parametrize(
    ("limit", "sentence"), [("", "Say how many."), (str(2**63), "less than or equal to")]
)
def test_a_number_that_is_missing_or_too_large_is_an_error_on_the_form(admin, limit, sentence):
    subscription = subscribe(make_tenant())

    response = admin.post(
        url("subscription_change_limit", subscription.pk),
        SUBMITTED | REASON | {"feature": "SESSIONS", "kind": "number", "limit": limit},
    )

    assert sentence in response.content.decode()
    assert not EntitlementOverride.objects.exists()


def test_a_subscriptions_page_draws_its_usage(admin):
    tenant = make_tenant()
    subscription = subscribe(tenant, make_plan(MESSAGES=50))
    quotas.reserve(tenant=tenant, feature="MESSAGES", amount=20, now=timezone.now())

    page = admin.get(url("subscription_change", subscription.pk)).content.decode()

    assert page.count("<rect") == 30
    assert "20 of 50" in page


def test_ending_a_period_that_is_over_is_a_message(admin):
    subscription = subscribe(make_tenant(), now=timezone.now() - timedelta(days=30))

    admin.post(url("subscription_expire_now", subscription.pk), SUBMITTED | REASON)

    page = admin.get(url("subscription_change", subscription.pk))
    assert "This workspace has no running subscription." in page.content.decode()


def test_a_step_of_a_subscription_that_is_gone_is_404(admin):
    response = admin.post(url("subscription_suspend", 0), SUBMITTED | REASON)

    assert response.status_code == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_looking_at_a_dialog_changes_nothing(admin, action):
    subscription = subscribe(make_tenant())
    before = Subscription.objects.values().get()

    assert admin.get(url(f"subscription_{action}", subscription.pk)).status_code == 200
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
