"""What a tenant takes with it and what goes with it."""

from datetime import UTC

import pytest
from django.utils import timezone

from accounts import exports, purging
from accounts.tests.factories import make_tenant
from subscriptions.models import EntitlementOverride, QuotaUsage, Subscription, UsageDay
from subscriptions.services import leaving, overrides, quotas
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def make_customer():
    tenant = make_tenant()
    subscribe(tenant, make_plan(MESSAGES=10), now=NOW)
    quotas.reserve(tenant=tenant, feature="MESSAGES", amount=4, now=NOW)
    overrides.set_limit(
        tenant=tenant, feature="AGENTS", limit=2, expires_at=None,
        reason="Pilot", actor="usr_staff", now=NOW,
    )  # fmt: skip
    return tenant


def test_a_purge_takes_everything_of_one_tenant_and_may_be_repeated():
    leaver, stayer = make_customer(), make_customer()

    assert leaving.purge(leaver, NOW)
    assert leaving.purge(leaver, NOW)

    for model in (Subscription, EntitlementOverride, QuotaUsage, UsageDay):
        assert set(model.objects.values_list("tenant", flat=True)) == {stayer.pk}


def test_the_archive_has_the_history_and_the_usage():
    tenant = make_customer()
    make_customer()

    (step,) = leaving.subscription_steps(tenant)
    (day,) = leaving.usage_days(tenant)

    assert (step["old"], step["new"], step["plan__code"]) == ("", "ACTIVE", "starter")
    today = NOW.astimezone(UTC).date()
    assert day == {"day": today, "feature": "MESSAGES", "used": 4}


def test_both_are_part_of_every_archive_and_purge():
    names = [part.name for part in exports.parts()]

    assert {"subscription_steps", "usage_days"} <= set(names)
    assert leaving.purge in purging.parts()
