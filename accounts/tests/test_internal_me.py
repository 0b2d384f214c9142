"""`/internal/me` as a sibling service sees it."""

import pytest
from rest_framework.test import APIClient

from accounts.tests.clients import bearer, bearer_of
from accounts.tests.factories import make_api_key, make_login, make_service_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return APIClient()


@pytest.mark.parametrize(
    ("source", "auth"),
    [
        ("genfity-app", {"mode": "scoped", "source_service": "genfity-app"}),
        ("", {"mode": "global", "source_service": ""}),
    ],
)
@pytest.mark.parametrize("header", ["x-internal-api-key", "Authorization"])
def test_internal_me_tells_which_source_a_key_speaks_for(client, source, auth, header):
    """Vector 8."""
    text = make_service_key(source).text
    value = f"Bearer {text}" if header == "Authorization" else f" {text} "

    answer = client.get("/internal/me", headers={header: value})

    assert (answer.status_code, answer.json()) == (200, {"auth": auth})


def test_internal_me_refuses_no_key_and_a_bad_key_with_two_texts(client):
    """Vector 8."""
    good = bearer_of(make_service_key().text)

    none = client.get("/internal/me")
    bad = client.get("/internal/me", headers={"x-internal-api-key": "wrong"})
    not_rescued = client.get("/internal/me", headers=good | {"x-internal-api-key": "wrong"})

    assert [none.status_code, bad.status_code, not_rescued.status_code] == [401, 401, 401]
    assert none.json()["error"] == "internal api key required"
    assert bad.json()["error"] == not_rescued.json()["error"] == "invalid internal api key"


def test_customers_credentials_do_not_open_internal(client):
    alice = make_login()
    key = make_api_key(alice.tenant).text
    client.cookies["orsta_session"] = alice.token

    answers = [
        client.get("/internal/me"),
        client.get("/internal/me", headers=bearer(alice)),
        client.get("/internal/me", headers=bearer_of(key)),
        client.get("/internal/me", headers={"x-internal-api-key": key}),
        client.get("/internal/me", headers={"x-api-key": key}),
    ]

    assert [answer.status_code for answer in answers] == [401] * 5
