"""The front page of the admin: real numbers, of the days asked for, and few queries."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from billing.models import LedgerEntry
from billing.tests.factories import make_customer, make_payment
from orsta.backoffice import dashboard
from orsta.core.outbox.models import OutboxEvent
from orsta.core.tests.factories import emit_steps
from sessions_app.messaging.states import Direction
from sessions_app.messaging.tests.factories import make_message
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def at_noon(monkeypatch):
    """Stop the dashboard's clock."""
    monkeypatch.setattr(dashboard.timezone, "now", lambda: NOON)


def context(user: User | None = None, **query: object) -> dict:
    request = RequestFactory().get("/admin/", query)
    request.user = user or make_user(is_staff=True, is_superuser=True)
    return dashboard.add_to(request, {})


def kpi(shown: dict, title: str) -> tuple[str, str]:
    found = next(kpi for kpi in shown["kpis"] if kpi.title == title)
    return found.value, found.detail


def charge(minor: int, at: datetime, currency: str = "USD") -> None:
    customer = make_customer()
    payment = make_payment(customer, amount_minor=minor, currency=currency)
    LedgerEntry.objects.create(
        tenant=customer.tenant,
        payment=payment,
        kind="CHARGE",
        amount_minor=minor,
        currency=currency,
        at=at,
    )


def test_an_empty_service_says_how_to_begin(client):
    client.force_login(make_user(is_staff=True, is_superuser=True))

    page = client.get(reverse("admin:index")).content.decode()

    assert "Nothing here yet" in page
    assert "Nothing in the last 7 days." in page
    assert 'class="chart"' not in page


def test_sessions_are_counted_by_what_they_are(at_noon):
    make_session(status=SessionStatus.CONNECTED)
    make_session(status=SessionStatus.PAIRING)
    make_session(status=SessionStatus.STOPPED)
    make_session(status=SessionStatus.DELETED, desired="DELETED")

    assert kpi(context(), "Connected sessions") == ("1", "of 3, 1 waiting for a scan")


def test_messages_are_counted_by_day_and_direction(at_noon):
    session = make_session(status=SessionStatus.CONNECTED)
    inbound = {"direction": Direction.INBOUND, "status": "RECEIVED"}
    make_message(session, created_at=NOON - timedelta(hours=12))
    make_message(session, created_at=NOON - timedelta(hours=13))
    make_message(session, created_at=NOON - timedelta(hours=1), **inbound)
    make_message(session, created_at=NOON - timedelta(hours=2), **inbound)
    make_message(session, created_at=NOON - timedelta(days=6, hours=12))
    make_message(session, created_at=NOON - timedelta(days=6, hours=13))  # before the range

    shown = context()

    assert kpi(shown, "Messages today") == ("3", "2 in, 1 out")
    chart = json.loads(shown["charts"][0].data)
    assert chart["labels"][0] == "Mar 4"
    assert chart["labels"][-1] == "Mar 10"
    rows = {row["label"]: row["data"] for row in chart["datasets"]}
    assert rows == {"In": [0, 0, 0, 0, 0, 0, 2], "Out": [1, 0, 0, 0, 0, 1, 1]}


def test_revenue_is_summed_per_month_day_and_currency(at_noon):
    charge(999, NOON - timedelta(hours=1))
    charge(4900, NOON - timedelta(days=1))
    charge(500, NOON - timedelta(days=1), "EUR")
    charge(777, NOON - timedelta(days=10))  # February

    shown = context()

    value, _ = kpi(shown, "Revenue this month")
    assert value == "5.00 EUR · 58.99 USD"
    rows = {
        row["label"]: row["data"] for row in json.loads(shown["charts"][1].data)["datasets"]
    }
    assert rows == {"EUR": [0, 0, 0, 0, 0, 5.0, 0], "USD": [0, 0, 0, 0, 0, 49.0, 9.99]}


def test_the_range_is_7_or_30_days(at_noon):
    assert len(context(days=30)["charts"][0].labels) == 30
    for asked in ("7", "", "x", "365", "-1"):
        assert len(context(days=asked)["charts"][0].labels) == 7


def test_a_backlog_raises_the_alarm():
    assert not next(k for k in context()["kpis"] if k.title == "Outbox lag").alarm
    emit_steps(2)
    OutboxEvent.objects.update(occurred_at=timezone.now() - timedelta(seconds=90))

    shown = context()

    assert kpi(shown, "Outbox lag") == ("90 s", "2 waiting, 0 parked")
    assert next(k for k in shown["kpis"] if k.title == "Outbox lag").alarm


def test_a_parked_event_raises_the_alarm():
    emit_steps(1)
    OutboxEvent.objects.update(parked_at=timezone.now())

    assert next(k for k in context()["kpis"] if k.title == "Outbox lag").alarm


def test_staff_without_rights_to_money_see_none():
    clerk = make_user(is_staff=True)

    shown = context(clerk)

    assert [kpi.title for kpi in shown["kpis"]] == [
        "Connected sessions",
        "Messages today",
        "Outbox lag",
    ]
    assert [chart.title for chart in shown["charts"]] == ["Messages per day"]
    clerk.user_permissions.add(Permission.objects.get(codename="view_ledgerentry"))
    assert len(context(User.objects.get(pk=clerk.pk))["kpis"]) == 4


def test_the_page_is_cheap_and_days_that_are_over_are_read_once(
    client, django_assert_max_num_queries
):
    make_session(status=SessionStatus.CONNECTED)
    client.force_login(make_user(is_staff=True, is_superuser=True))
    with django_assert_max_num_queries(19):
        assert client.get(reverse("admin:index")).status_code == 200

    with django_assert_max_num_queries(13):
        page = client.get(reverse("admin:index")).content.decode()

    assert page.count('class="orsta-kpi"') == 4


def test_the_numbers_can_be_read_without_seeing_the_chart(client):
    session = make_session(status=SessionStatus.CONNECTED)
    make_message(session, created_at=timezone.now())
    client.force_login(make_user(is_staff=True, is_superuser=True))

    page = client.get(reverse("admin:index")).content.decode()

    assert "<caption>Messages per day</caption>" in page


def test_the_sidebar_shows_what_needs_somebody_and_only_what_one_may_see(client):
    make_session(status=SessionStatus.LOGGED_OUT)
    make_session(status=SessionStatus.BANNED)
    clerk = make_user(is_staff=True)
    clerk.user_permissions.add(
        Permission.objects.get(codename="view_session", content_type__app_label="sessions_app")
    )
    client.force_login(clerk)

    sections = client.get(reverse("admin:index")).context["sidebar_navigation"]

    assert [section["title"] for section in sections] == ["Overview", "WhatsApp"]
    assert [(item["title"], item["badge"]) for item in sections[1]["items"]] == [
        ("Sessions", "2")
    ]
    assert Client().get(reverse("admin:index")).status_code == 302
