"""The lists are read from their indexes, however long they are."""

import pytest
from django.db import connection
from django.db.models import QuerySet

from accounts.models import Tenant
from sessions_app import selectors
from sessions_app.models import Session
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _many_rows() -> None:
    """Let the planner believe that reading whole tables and sorting is expensive."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")


@pytest.fixture
def session() -> Session:
    """A session."""
    return make_session()


def plan_of(page: QuerySet) -> str:
    """Return how PostgreSQL would read it."""
    return page.explain()


def test_a_page_of_sessions(session: Session) -> None:
    sessions = selectors.sessions_of(session.tenant).filter(pk__lt=10**9).order_by("-pk")

    plan = plan_of(sessions[:51])

    assert "session_of_tenant" in plan
    assert "Sort" not in plan


def test_a_page_of_history(session: Session) -> None:
    plan = plan_of(session.transitions.filter(pk__lt=10**9).order_by("-pk")[:51])

    assert "transition_of_session" in plan
    assert "Sort" not in plan


@pytest.fixture
def _many_tenants() -> None:
    """30,000 sessions of 300 tenants, and fresh statistics."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = on")
        cursor.execute("SET LOCAL enable_sort = on")
        cursor.execute("SET LOCAL enable_bitmapscan = on")
        cursor.execute(_TENANTS)
        cursor.execute(_SESSIONS)
        cursor.execute("ANALYZE accounts_tenant, sessions_app_session")


_TENANTS = """
INSERT INTO accounts_tenant (public_id, name, source, external_id, created_by, status,
    status_reason, api_enabled, created_at, updated_at)
SELECT 'ten_many' || n, 'Many', '', '', '', 'ACTIVE', '', true, now(), now()
FROM generate_series(1, 300) n
"""
_SESSIONS = """
INSERT INTO sessions_app_session (tenant_id, public_id, name, engine, webhook_url, events,
    expiration_seconds, auto_connect, auto_read_enabled, typing_enabled, history_limit,
    desired, hold, status, reason, status_changed_at, jid, push_name, messages_sent,
    messages_failed, created_at, updated_at)
SELECT tenant.id, 'ses_many' || tenant.id || '_' || n, 'session ' || n, 'sandbox', '', '', 0,
    true, false, false, 0, 'STOPPED', '', 'STOPPED', '', now(), '', '', 0, 0, now(), now()
FROM accounts_tenant tenant
CROSS JOIN generate_series(1, 100) n
WHERE tenant.public_id LIKE 'ten_many%'
"""


@pytest.mark.parametrize(
    "narrowed",
    [
        {},
        {"status": "STOPPED"},
        {"engine": "sandbox"},
        {"hold": ""},
    ],
)
@pytest.mark.usefixtures("_many_tenants")
def test_among_many_tenants_a_page_reads_no_more_than_the_page(narrowed) -> None:
    tenant = Tenant.objects.get(public_id="ten_many100")
    page = selectors.sessions_of(tenant).filter(**narrowed).order_by("-pk")[:51]

    plan = page.explain(analyze=True)

    assert "Seq Scan" not in plan
    assert "session_pkey" not in plan  # that would walk through everybody's
    assert len(page) == 51
