"""The console's page about the API key and what it costs."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts import authentication
from accounts.models import ApiKey, Role, Tenant
from accounts.tests.factories import make_login, make_member
from billing.models import LedgerEntry, Payment
from billing.states import PaymentStatus
from billing.tests.factories import enable, make_customer, make_payment

pytestmark = pytest.mark.django_db
BILLING = "/console/billing"


@pytest.fixture
def alice():
    """Who has a key and has not paid."""
    return make_customer()


@pytest.fixture
def browser(client, alice):
    """Alice's browser."""
    client.cookies[authentication.COOKIE] = alice.token
    return client


def form_of(page):
    """Return the hidden fields of the payment form."""
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: value for name, value in fields if name in {"amount", "idempotency_key"}}


def pay(browser, card="tok_ok", **changes):
    form = form_of(browser.get(BILLING).content.decode()) | {"payment_method": card}
    return browser.post("/console/billing/enable", form | changes)


def test_the_page_shows_the_price_of_the_plan_and_the_masked_key(browser):
    answer = browser.get(BILLING)

    page = answer.content.decode()
    key = ApiKey.objects.get()
    assert answer.status_code == 200
    assert "Pay 9.99 USD and turn on" in page
    assert f"ork_{key.key_id}_••••{key.hint}" in page
    assert "None yet. Your first payment appears here." in page
    assert form_of(page)["amount"] == "9.99"


def test_paying_turns_the_key_on_and_lists_the_payment(browser):
    answer = pay(browser)

    assert (answer.status_code, answer.headers["Location"]) == (302, BILLING)
    assert Tenant.objects.get().api_enabled
    page = browser.get(BILLING).content.decode()
    assert "API key activated." in page
    assert "Succeeded" in page
    assert "Paid until" in page


def test_a_declined_card_is_said_and_changes_nothing(browser):
    answer = pay(browser, "tok_declined")

    page = answer.content.decode()
    assert answer.status_code == 402
    assert "The payment was declined: The card was declined." in page
    assert re.search(r'value="tok_declined" checked', page)
    assert not Tenant.objects.get().api_enabled
    assert Payment.objects.get().status == PaymentStatus.FAILED
    assert not LedgerEntry.objects.exists()


def test_another_card_can_be_tried_after_a_decline(browser):
    declined = pay(browser, "tok_declined").content.decode()

    answer = browser.post(
        "/console/billing/enable", form_of(declined) | {"payment_method": "tok_ok"}
    )

    assert answer.status_code == 302
    assert Tenant.objects.get().api_enabled


def test_the_same_click_twice_pays_once(browser):
    form = form_of(browser.get(BILLING).content.decode()) | {"payment_method": "tok_ok"}

    first = browser.post("/console/billing/enable", form)
    second = browser.post("/console/billing/enable", form)

    assert (first.status_code, second.status_code) == (302, 302)
    assert Payment.objects.count() == 1
    assert LedgerEntry.objects.count() == 1


def test_nobody_pays_another_price_than_the_page_showed(browser):
    answer = pay(browser, amount="4.99")

    assert answer.status_code == 422
    assert "The price is 9.99 USD" in answer.content.decode()
    assert not Payment.objects.exists()


def test_a_silent_bank_is_said_and_waits_for_its_answer(browser):
    answer = pay(browser, "tok_timeout")

    page = answer.content.decode()
    assert answer.status_code == 503
    assert "You will not be charged twice" in page
    assert "Pending" in page
    assert Payment.objects.get().status == PaymentStatus.PENDING


def test_a_form_without_its_key_is_refused(browser):
    answer = browser.post("/console/billing/enable", {"payment_method": "tok_ok"})

    assert answer.status_code == 400
    assert not Payment.objects.exists()


def test_turning_the_key_off_and_on_again_costs_nothing(browser, alice):
    enable(alice, now=timezone.now())

    off = browser.post("/console/billing/disable")
    page = browser.get(BILLING).content.decode()
    on = pay(browser, "")

    assert (off.status_code, on.status_code) == (302, 302)
    assert "turning the key on costs nothing" in page
    assert Tenant.objects.get().api_enabled
    assert Payment.objects.count() == 1


def test_only_the_tenants_own_payments_are_listed(browser):
    stranger = make_payment(make_customer(), description="A stranger's payment")

    page = browser.get(BILLING).content.decode()

    assert stranger.description not in page


@pytest.mark.parametrize("path", ["/console/billing/enable", "/console/billing/disable"])
def test_money_moves_only_from_our_own_pages(alice, path):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies[authentication.COOKIE] = alice.token

    answer = strict.post(path, {"idempotency_key": "k", "payment_method": "tok_ok"})

    assert answer.status_code == 403
    assert not Payment.objects.exists()


def test_money_pages_take_no_get(browser):
    assert browser.get("/console/billing/enable").status_code == 405
    assert browser.get("/console/billing/disable").status_code == 405


@pytest.mark.parametrize("path", ["enable", "disable"])
def test_who_may_only_look_can_not_pay_or_turn_the_key_off(client, alice, path):
    viewer = make_login(alice.tenant, make_member(alice.tenant, role=Role.VIEWER))
    client.cookies[authentication.COOKIE] = viewer.token

    refused = client.post(f"/console/billing/{path}", {"idempotency_key": "k"})

    assert refused.status_code == 403
    assert client.get(BILLING).status_code == 403
    assert not Payment.objects.exists()
