"""What a browser must prove beside its cookie."""

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from accounts.tests.clients import bearer_of
from accounts.tests.factories import (
    make_api_key,
    make_login,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("accounts.tests.echo")]


@pytest.fixture
def client():
    return APIClient(enforce_csrf_checks=True)


def test_a_cookie_alone_changes_nothing_without_a_csrf_token(client):
    """Fact B12: SameSite was the only guard."""
    client.cookies["orsta_session"] = make_login().token

    answer = client.post("/echo", {"a": 1})

    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "csrf_failed"


def test_the_csrf_check_comes_before_the_body_is_read(client):
    client.cookies["orsta_session"] = make_login().token

    answer = client.post("/echo", b"{bad", content_type="application/json")

    assert answer.json()["code"] == "csrf_failed"


def test_a_cookie_with_the_csrf_token_of_the_sign_up_may_change_things(client):
    with override_settings(ROOT_URLCONF="orsta.urls"):
        client.post(
            "/auth/signup",
            {"username": "alice", "email": "a@example.com", "password": "supersecret-7"},
        )
    token = client.cookies["csrftoken"].value

    good = client.post("/echo", {"a": 1}, headers={"X-CSRFToken": token})
    wrong = client.post("/echo", {"a": 1}, headers={"X-CSRFToken": token[::-1]})

    assert (good.status_code, good.json()) == (201, {"made": {"a": 1}})
    assert wrong.status_code == 403


def test_a_csrf_token_from_a_foreign_origin_is_refused(client):
    client.cookies["orsta_session"] = make_login().token
    token = "t" * 32
    client.cookies["csrftoken"] = token

    foreign = {"X-CSRFToken": token, "Origin": "http://evil.example"}
    own = {"X-CSRFToken": token, "Origin": "http://testserver"}

    assert client.post("/echo", {}, headers=foreign).status_code == 403
    assert client.post("/echo", {}, headers=own).status_code == 201


def test_reading_by_cookie_needs_no_csrf_token(client):
    client.cookies["orsta_session"] = make_login().token

    assert client.get("/echo").status_code == 200


def test_keys_and_tokens_need_no_csrf_token_even_beside_a_cookie(client):
    alice = make_login()
    client.cookies["orsta_session"] = alice.token

    answers = [
        client.post("/echo", {}, headers=bearer_of(alice.token)),
        client.post("/echo", {}, headers={"x-api-key": make_api_key(alice.tenant).text}),
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
