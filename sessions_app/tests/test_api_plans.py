"""The lists are read from their indexes, however long they are."""

import pytest
from django.db import connection

from accounts.models import Tenant
from sessions_app import selectors
from sessions_app.models import Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def _many_tenants() -> None:
    """30,000 sessions of 300 tenants, each with four steps of history, and fresh statistics."""
    with connection.cursor() as cursor:
        cursor.execute(_TENANTS)
        cursor.execute(_SESSIONS)
        cursor.execute(_STEPS)
        cursor.execute(
            "ANALYZE accounts_tenant, sessions_app_session, sessions_app_sessiontransition"
        )


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

# A step of each session in turn, four times over: a session's own lie far apart.
_STEPS = """
INSERT INTO sessions_app_sessiontransition (session_id, old, new, reason, epoch, at)
SELECT session.id, 'CREATED', 'STOPPED', '', 0, now()
FROM generate_series(1, 4) round CROSS JOIN sessions_app_session session
WHERE session.public_id LIKE 'ses_many%'
ORDER BY round, session.id
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


@pytest.mark.usefixtures("_many_tenants")
def test_among_many_sessions_a_page_of_history_reads_no_more_than_the_page() -> None:
    session = Session.objects.get(name="session 50", tenant__public_id="ten_many100")
    page = session.transitions.order_by("-pk")[:51]

    plan = page.explain(analyze=True)

    assert "Seq Scan" not in plan
    assert "transition_pkey" not in plan  # that would walk through everybody's
    assert len(page) == 4
