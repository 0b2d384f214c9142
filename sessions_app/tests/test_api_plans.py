"""The lists are read from their indexes, however long they are."""

import pytest
from django.db import connection
from django.db.models import QuerySet

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
