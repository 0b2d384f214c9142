"""The plan's rate class names limits that exist, and reaches the counters of requests."""

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key, make_tenant
from orsta.core import limits
from subscriptions.models import RateClass
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("wide", [*RateClass.values, "PERSON", "SERVICE"])
@pytest.mark.parametrize("route", ["read", "write", "send"])
def test_there_is_a_limit_for_every_class(wide, route):
    assert limits.policy_of(f"{wide.lower()}_{route}").limit > 0


@pytest.mark.parametrize("wide", RateClass.values)
def test_programs_of_every_class_can_run_wild_and_share_what_the_tenant_has(wide):
    assert limits.policy_of(f"{wide.lower()}_spam").block_seconds > 0
    assert limits.policy_of(f"{wide.lower()}_tenant").limit > 0


def test_the_plan_says_how_wide_a_tenants_programs_may_go():
    tenant = make_tenant()
    subscribe(tenant, make_plan("wide", rate_class=RateClass.PLUS), now=timezone.now())

    headers = {"x-api-key": make_api_key(tenant).text}
    answer = APIClient().get("/v1/sessions", headers=headers)

    assert answer.headers["RateLimit-Policy"].startswith('"plus_read";q=600;w=60')
