"""Long lists are read by their indexes, with as many queries as short ones."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Tenant
from accounts.services import keys
from accounts.tests.factories import make_tenant
from orsta.bench.crowd import GIANT, SOURCES, Crowd, NotEmpty
from orsta.bench.lists import Caller
from sessions_app.models import Session
from subscriptions.models import QuotaUsage
from subscriptions.tests.internal import Service

# A transaction could not VACUUM, and without that the planner can't rely on an index alone.
pytestmark = pytest.mark.django_db(transaction=True)
CROWD = Crowd(tenants=8_000, sessions=24_000)


@pytest.fixture
def crowd():
    CROWD.fill()
    CROWD.settle()
    return CROWD


def plans_of(call, table):
    """Return the plans of the queries that `call` reads a table with."""
    with CaptureQueriesContext(connection) as captured:
        call()
    about = [query["sql"] for query in captured if f'FROM "{table}"' in query["sql"]]
    plans = []
    for sql in about:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
    return plans


def test_a_crowd_goes_into_an_empty_database_only():
    make_tenant()

    with pytest.raises(NotEmpty):
        CROWD.fill()


def test_the_users_of_one_service_are_read_by_their_index(crowd, django_assert_num_queries):
    service = Service(SOURCES[0])
    service.get(limit=1)

    page, total = plans_of(lambda: service.get(limit=100, page=2), "accounts_tenant")
    with django_assert_num_queries(7):
        listed = service.get(limit=100, page=2).json()

    assert "Index Only Scan using tenant_of_source" in page
    assert "Index Only Scan using tenant_of_source" in total
    assert listed["meta"]["total"] == crowd.tenants // len(SOURCES)
    assert [item["user_id"] for item in listed["items"][:2]] == ["usr_7600", "usr_7596"]
    assert listed["items"][0]["session_count"] == _sessions_of(listed["items"][0])


def test_the_users_of_every_service_are_read_by_an_index_too(crowd):
    everybody = Service("")
    everybody.get(limit=1)

    page, _ = plans_of(lambda: everybody.get(limit=100, page=20), "accounts_tenant")

    assert "Index Only Scan using tenant_of_any_source" in page


def test_a_user_is_found_by_its_id_alone_through_the_constraints_index(crowd):
    everybody = Service("")
    everybody.get(limit=1)

    (plan,) = plans_of(lambda: everybody.get("/internal/users/usr_77"), "accounts_tenant")

    assert "tenant_once_per_source" in plan
    assert "Seq Scan" not in plan


def test_the_sessions_of_one_tenant_are_read_by_their_index(crowd, django_assert_num_queries):
    tenant = Tenant.objects.get(external_id="usr_77")
    issued = keys.issue(tenant=tenant, user=None, now=timezone.now())
    owner = Caller({"x-api-key": issued.text})
    owner.get("/v1/sessions")

    (plan,) = plans_of(lambda: owner.get("/v1/sessions"), "sessions_app_session")
    with django_assert_num_queries(1):
        listed = owner.get("/v1/sessions")["sessions"]

    assert "Index Cond: (tenant_id = 77)" in plan
    assert "Seq Scan" not in plan
    assert len(listed) == Session.objects.filter(tenant=tenant).count() > 0


def test_one_tenant_has_a_large_share_of_the_crowd(crowd):
    usage = QuotaUsage.objects.get(tenant_id=GIANT)

    assert usage.used == Session.objects.filter(tenant_id=GIANT).count() == 1_200


def _sessions_of(item):
    return Session.objects.filter(tenant__external_id=item["user_id"]).count()
