"""Who may buy: a person who logged in, and nobody else."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.authentication import COOKIE
from accounts.services import keys
from accounts.tests.factories import make_api_key
from billing.models import Payment
from billing.tests.clients import (
    DISABLE,
    ENABLE,
    STATUS,
    SUMMARY,
    client_of,
)
from billing.tests.factories import enable, is_on, make_customer
from subscriptions.tests.factories import subscribe

pytestmark = pytest.mark.django_db
ENDPOINTS = [("post", ENABLE), ("post", DISABLE), ("get", STATUS), ("get", SUMMARY)]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_billing_without_credentials_is_401(method, path):
    assert getattr(Client(), method)(path).status_code == 401


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize("header", ["x-api-key", "Authorization"])
def test_an_api_key_can_not_buy(method, path, header):
    customer = make_customer()
    issued = make_api_key(customer.tenant)
    value = f"Bearer {issued.text}" if header == "Authorization" else issued.text

    response = getattr(Client(headers={header: value}), method)(path)

    assert (response.status_code, response.json()["code"]) == (403, "login_required")
    assert not Payment.objects.exists()
    assert is_on(customer)


@pytest.mark.parametrize("path", [ENABLE, DISABLE])
def test_a_cookie_alone_can_not_buy_without_a_csrf_token(path):
    customer = make_customer()
    subscribe(customer.tenant)
    keys.activate(tenant=customer.tenant, now=timezone.now())
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[COOKIE] = customer.token

    response = browser.generic("POST", path)

    assert response.status_code == 403
    assert not Payment.objects.exists()
    assert is_on(customer)


def test_a_cookie_with_a_csrf_token_can_buy():
    customer = make_customer()
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[COOKIE] = customer.token
    browser.cookies["csrftoken"] = token = "a" * 32

    response = browser.generic("POST", ENABLE, headers={"X-CSRFToken": token})

    assert response.status_code == 200
    assert is_on(customer)


def test_one_tenant_sees_nothing_of_another():
    alice, bob = make_customer(), make_customer()
    enable(alice, now=timezone.now())

    summary = client_of(bob).get(SUMMARY).json()

    assert summary["total_amount_spent_minor"] == 0
    assert client_of(bob).get(STATUS).json()["active"] is False


@pytest.mark.parametrize(("method", "path"), [("get", ENABLE), ("post", SUMMARY)])
def test_other_methods_are_405(method, path):
    assert getattr(client_of(make_customer()), method)(path).status_code == 405
