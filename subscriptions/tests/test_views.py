"""The console's page about the plan and its usage."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.authentication import COOKIE
from accounts.models import Role
from accounts.tests.factories import make_login, make_member
from subscriptions.models import Feature
from subscriptions.services import lifecycle, quotas
from subscriptions.tests.factories import make_plan, subscribe

pytestmark = pytest.mark.django_db
BY_STAFF = {"actor": "usr_staff", "reason": "Abuse"}


@pytest.fixture
def login():
    return make_login()


@pytest.fixture
def browser(login) -> Client:
    client = Client()
    client.cookies[COOKIE] = login.token
    return client


def text_of(browser: Client, query: str = "") -> str:
    response = browser.get(f"/console/usage{query}")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_stranger_is_sent_to_the_login():
    assert Client().get("/console/usage").status_code == 302


def test_the_page_shows_the_plan_and_what_is_taken(browser, login):
    subscribe(login.tenant, make_plan(MESSAGES=10_000, HISTORY_DAYS=7))
    quotas.reserve(
        tenant=login.tenant, feature=Feature.MESSAGES, amount=8_500, now=timezone.now()
    )

    text = text_of(browser)

    assert "Starter" in text
    assert "8,500" in text
    assert "of 10,000" in text
    assert 'data-tone="warn"' in text
    assert "Days of history" in text


def test_the_chart_has_a_bar_per_day(browser, login):
    subscribe(login.tenant, make_plan(MESSAGES=10))
    quotas.reserve(tenant=login.tenant, feature=Feature.MESSAGES, now=timezone.now())

    assert text_of(browser, "?days=7").count("<rect") == 7
    assert text_of(browser, "?days=nonsense").count("<rect") == 30


def test_without_a_plan_the_page_says_what_to_do(browser):
    text = text_of(browser)

    assert "You have no plan yet" in text
    assert "No message was sent" in text


def test_a_plan_that_ended_is_said_to_have_ended(browser, login):
    subscribe(login.tenant, now=timezone.now() - timedelta(days=30))

    assert "Your plan has ended" in text_of(browser)


def test_in_grace_the_page_asks_for_the_payment(browser, login):
    subscribe(login.tenant, make_plan(grace_days=3), now=timezone.now() - timedelta(days=31))

    assert "A payment is due" in text_of(browser)


def test_a_suspension_and_a_cancellation_are_said(browser, login):
    now = timezone.now()
    subscribe(login.tenant)
    lifecycle.cancel(tenant=login.tenant, at_end=True, now=now, **BY_STAFF)
    assert "Your plan is cancelled" in text_of(browser)

    lifecycle.suspend(tenant=login.tenant, now=now, **BY_STAFF)
    assert "suspended" in text_of(browser)


def test_who_may_not_pay_is_told_whom_to_ask(login):
    viewer = make_login(login.tenant, make_member(login.tenant, role=Role.VIEWER))
    client = Client()
    client.cookies[COOKIE] = viewer.token

    text = text_of(client)

    assert "Ask an owner" in text
    assert "/console/billing" not in text
