"""Whatever the body says, the answer is 4xx or a charge of the plan's price."""

import pytest

from billing.models import Payment
from billing.tests.clients import post
from billing.tests.factories import is_on, make_customer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("amount", [0, 0.01, -9.99, 9.999, 999, 1e300, 10**100])
def test_the_client_can_not_choose_the_amount(amount):
    customer = make_customer()

    response = post(customer, {"amount": amount})

    assert response.status_code == 422
    problem = response.json()
    assert problem["code"] == "amount_mismatch"
    assert "9.99 USD" in problem["detail"]
    assert problem["price_minor"] == 999
    assert not Payment.objects.exists()
    assert not is_on(customer)


@pytest.mark.parametrize(
    "amount",
    ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", '"9.99"', '"NaN"', '""', "true",
     "false", "[]", "{}", '"nine"', "9" * 5000],
)  # fmt: skip
def test_an_amount_that_is_no_number_is_invalid(amount):
    customer = make_customer()

    response = post(customer, b'{"amount": %s}' % amount.encode())

    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert not Payment.objects.exists()
    assert not is_on(customer)


@pytest.mark.parametrize(
    "body",
    [
        b"{bad",
        b"[]",
        b'"text"',
        b"7",
        b"null",
        b'{"description": "a\\u0000b"}',
        b'{"description": "\\ud800"}',
        b'{"description": ["a"]}',
        b'{"payment_method": "tok\\u0000"}',
        b'{"metadata": "a\\u0000b"}',
        b'{"metadata": {"a\\u0000b": 1}}',
        b'{"metadata": "\\ud800"}',
        b'{"metadata": 1e400}',
        b'{"metadata": %s%s}' % (b"[" * 3000, b"]" * 3000),
        b'{"metadata": "%s"}' % (b"x" * 4096),
        b'{"description": "%s"}' % (b"x" * 201),
        b'{"payment_method": "%s"}' % (b"x" * 65),
    ],
)
def test_a_senseless_body_is_invalid_and_charges_nothing(body):
    customer = make_customer()

    response = post(customer, body)

    assert response.status_code == 400
    assert response.json()["status"] == 400
    assert not Payment.objects.exists()


def test_an_escaped_backslash_before_u0000_is_no_nul():
    assert post(make_customer(), {"metadata": "\\u0000"}).status_code == 200
    assert Payment.objects.get().metadata == "\\u0000"


def test_null_is_taken_for_absent():
    body = dict.fromkeys(["amount", "description", "metadata", "payment_method"])

    assert post(make_customer(), body).status_code == 200
    payment = Payment.objects.get()
    assert (payment.amount_minor, payment.description) == (999, "Orsta API key activation")
    assert (payment.metadata, payment.payment_method) == ({}, "")
