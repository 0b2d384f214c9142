"""`/billing` on the wire: the paths and bodies of the first API, without its defects."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import selectors as accounts_selectors
from accounts.tests.factories import make_api_key, make_login, make_tenant
from billing.models import LedgerEntry, Payment
from billing.tests.clients import DISABLE, ENABLE, STATUS, SUMMARY, client_of, post
from billing.tests.factories import enable, is_on, make_customer
from subscriptions.tests.factories import make_plan

pytestmark = pytest.mark.django_db


def test_turning_the_key_on_answers_what_was_charged():
    customer = make_customer()

    response = post(customer, {"amount": 9.99})

    assert response.status_code == 200
    assert response.json() == {
        "ok": True,
        "message": "API key activated",
        "transaction_id": Payment.objects.get().provider_ref,
        "provider": "sandbox",
        "amount_charged": 9.99,
        "amount_charged_minor": 999,
        "currency": "USD",
    }
    assert is_on(customer)


def test_an_empty_body_pays_the_plans_price():
    customer = make_customer()

    assert client_of(customer).generic("POST", ENABLE).status_code == 200
    payment = Payment.objects.get()
    assert (payment.amount_minor, payment.description) == (999, "Orsta API key activation")


def test_description_and_metadata_are_kept_with_the_payment():
    metadata = {"payment_intent_id": "pi_abc123", "cart": [1, 2.5, None, "ü"]}

    post(make_customer(), {"description": "March", "metadata": metadata})

    payment = Payment.objects.get()
    assert (payment.description, payment.metadata) == ("March", metadata)


@pytest.mark.parametrize("metadata", [None, [], "text", 0, True, {"a": {"b": []}}])
def test_metadata_may_be_any_json(metadata):
    assert post(make_customer(), {"metadata": metadata}).status_code == 200


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("tok_declined", "The card was declined."),
        ("tok_insufficient_funds", "The card has insufficient funds."),
    ],
)
def test_a_declined_payment_is_402_and_leaves_everything_as_it_was(token, reason):
    customer = make_customer()
    before = client_of(customer).get(SUMMARY).json()

    response = post(customer, {"payment_method": token})

    assert response.status_code == 402
    problem = response.json()
    assert (problem["error"], problem["code"]) == ("Payment failed", "payment_declined")
    assert (problem["provider"], problem["reason"]) == ("sandbox", reason)
    assert client_of(customer).get(STATUS).json()["active"] is False
    assert client_of(customer).get(SUMMARY).json() == before


def test_a_payment_without_an_answer_is_503_and_then_409():
    customer = make_customer()

    unknown = post(customer, {"payment_method": "tok_timeout"})
    again = post(customer, {})

    assert (unknown.status_code, again.status_code) == (503, 409)
    assert unknown.json()["code"] == "payment_outcome_unknown"
    assert again.json()["code"] == "payment_in_progress"
    assert unknown.headers["Retry-After"] == again.headers["Retry-After"] == "120"
    payment_id = Payment.objects.get().public_id
    assert unknown.json()["payment_id"] == again.json()["payment_id"] == payment_id


def test_a_double_click_is_charged_once():
    customer = make_customer()
    post(customer, {"amount": 9.99})

    again = post(customer, {"amount": 9.99})

    assert again.status_code == 200
    assert again.json()["message"] == "API key already active"
    assert (again.json()["amount_charged"], again.json()["amount_charged_minor"]) == (0, 0)
    assert LedgerEntry.objects.count() == 1


def test_a_repeated_key_replays_the_answer_and_says_so():
    customer = make_customer()
    first = post(customer, {"amount": 9.99}, **{"Idempotency-Key": "k"})

    again = post(customer, {"amount": 9.99}, **{"Idempotency-Key": "k"})

    assert again.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert LedgerEntry.objects.count() == 1


def test_a_repeated_decline_replays_its_402():
    customer = make_customer()
    body = {"payment_method": "tok_declined"}
    first = post(customer, body, **{"Idempotency-Key": "k"})

    again = post(customer, body, **{"Idempotency-Key": "k"})

    assert (first.status_code, again.status_code) == (402, 402)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert Payment.objects.count() == 1


def test_a_reused_key_is_422():
    customer = make_customer()
    post(customer, {"amount": 9.99}, **{"Idempotency-Key": "k"})

    response = post(customer, {"description": "other"}, **{"Idempotency-Key": "k"})

    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")


def test_an_overlong_key_is_400():
    response = post(make_customer(), {}, **{"Idempotency-Key": "k" * 256})

    assert (response.status_code, response.json()["code"]) == (400, "bad_idempotency_key")
    assert not Payment.objects.exists()


def test_disabling_is_repeatable_and_keeps_the_paid_period():
    customer = make_customer()
    enable(customer, now=timezone.now())

    answers = [post(customer, {}, DISABLE) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == {"ok": True, "message": "API key deactivated"}
    assert not is_on(customer)
    assert post(customer, {}).json()["amount_charged_minor"] == 0
    assert is_on(customer)


def test_a_replayed_disable_does_not_turn_a_newer_key_off():
    customer = make_customer()
    enable(customer, now=timezone.now())
    post(customer, {}, DISABLE, **{"Idempotency-Key": "off"})
    post(customer, {})

    replay = post(customer, {}, DISABLE, **{"Idempotency-Key": "off"})

    assert replay.headers["Idempotent-Replayed"] == "true"
    assert is_on(customer)


def test_the_status_shows_the_key_only_masked():
    make_plan()
    tenant = make_tenant()
    issued = make_api_key(tenant, active=False)
    customer = make_login(tenant)
    off = client_of(customer).get(STATUS)

    enable(customer, now=timezone.now())
    on = client_of(customer).get(STATUS)

    masked = accounts_selectors.masked_key(issued.row)
    assert off.json() == {"active": False, "api_key": masked}
    assert on.json() == {"active": True, "api_key": masked}
    assert issued.text not in on.content.decode()


def test_a_tenant_without_a_key_is_simply_not_active():
    make_plan()
    customer = make_login(make_tenant())

    assert client_of(customer).get(STATUS).json() == {"active": False, "api_key": None}
    assert post(customer, {}).status_code == 404
    assert post(customer, {}, DISABLE).status_code == 404
    assert not Payment.objects.exists()


def test_the_summary_starts_at_zero():
    response = client_of(make_customer()).get(SUMMARY)

    assert response.json() == {
        "currency": "USD",
        "amount_in_wallet": 0.0,
        "amount_in_wallet_minor": 0,
        "amount_spent": 0.0,
        "amount_spent_minor": 0,
        "total_amount_spent": 0.0,
        "total_amount_spent_minor": 0,
        "average_hourly_consumption": 0.0,
        "average_hourly_consumption_minor": 0.0,
    }


def test_the_summary_shows_the_last_charge_and_the_total():
    customer = make_customer()
    now = timezone.now()
    enable(customer, now=now - timedelta(days=31))
    enable(customer, now=now)

    body = client_of(customer).get(SUMMARY).json()

    assert (body["amount_spent"], body["amount_spent_minor"]) == (9.99, 999)
    assert (body["total_amount_spent"], body["total_amount_spent_minor"]) == (19.98, 1998)
    assert body["average_hourly_consumption"] == 0.013875
    assert body["average_hourly_consumption_minor"] == 1.3875


def test_without_a_plan_for_sale_it_is_503():
    customer = make_customer()
    make_plan(is_active=False)

    response = post(customer, {})

    assert (response.status_code, response.json()["code"]) == (503, "no_plan_for_sale")
