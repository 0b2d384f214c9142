"""`/v1/sessions`: who gets nothing, and what makes no sense."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key
from sessions_app.models import Session
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import client_of, make_customer, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def charlie() -> APIClient:
    """A program of a stranger's."""
    return client_of(make_customer())


PATHS = [
    ("get", "/v1/sessions/{}"),
    ("put", "/v1/sessions/{}"),
    ("delete", "/v1/sessions/{}"),
    ("post", "/v1/sessions/{}/start"),
    ("post", "/v1/sessions/{}/stop"),
    ("post", "/v1/sessions/{}/reconnect"),
    ("get", "/v1/sessions/{}/qr"),
    ("get", "/v1/sessions/{}/qr?format=png"),
    ("get", "/v1/sessions/{}/transitions"),
    ("post", "/v1/sandbox/sessions/{}/scan"),
    ("post", "/v1/sandbox/sessions/{}/inbound"),
    ("post", "/v1/sandbox/sessions/{}/fault"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_strangers_session_looks_like_none(
    charlie: APIClient, tenant: Any, method: str, path: str
) -> None:
    session = make_session(tenant=tenant, status=SessionStatus.CONNECTED)
    before = Session.objects.filter(pk=session.pk).values().get()
    bodies = []

    for public_id in (session.public_id, "ses_01kb1z2q7mw4g0v9s2x8c5r6tn", "x", "%00", "é"):
        response = getattr(charlie, method)(path.format(public_id), HTTP_X_REQUEST_ID="a" * 16)
        assert response.status_code == 404
        assert response.headers["Content-Type"] == "application/problem+json"
        bodies.append(response.json())

    assert bodies[0]["code"] == "session_not_found"
    assert all(body == bodies[0] for body in bodies)
    assert Session.objects.filter(pk=session.pk).values().get() == before
    assert session.commands.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        "1",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"session_name": "\\u0000"}',
        '{"session_name": "\\ud800"}',
        '{"session_name": ""}',
        '{"session_name": "   "}',
        '{"session_name": null}',
        '{"session_name": ["a"]}',
        '{"session_name": {"a": 1}}',
        '{"session_name": "' + "x" * 81 + '"}',
        '{"session_name": "a", "history": -1}',
        '{"session_name": "a", "history": 1e400}',
        '{"session_name": "a", "history": ' + "9" * 5000 + "}",
        '{"session_name": "a", "history": 2147483648}',
        '{"session_name": "a", "history": NaN}',
        '{"session_name": "a", "expiration_sec": "soon"}',
        '{"session_name": "a", "expiration_sec": null}',
        '{"session_name": "a", "auto_connect": "perhaps"}',
        '{"session_name": "a", "auto_connect": {}}',
        '{"session_name": "a", "events": "Mess age"}',
        '{"session_name": "a", "events": ["QR"]}',
        '{"session_name": "a", "webhook_url": "https://example.com/\\u0000"}',
        '{"session_name": "a", "webhook_url": 5}',
        '{"session_name": "a", "webhook_url": "https://example.com/' + "x" * 500 + '"}',
        '{"session_name": "a", "engine": "\\u0000"}',
    ],
)
def test_bad_input_is_the_callers_fault(alice: APIClient, body: str) -> None:
    response = alice.post("/v1/sessions", body, content_type="application/json")

    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert Session.objects.count() == 0


def test_other_kinds_of_bodies_are_refused(alice: APIClient) -> None:
    response = alice.post("/v1/sessions", "session_name=a", content_type="text/plain")

    assert response.status_code == 415


def test_nobody_gets_in_without_a_key() -> None:
    assert APIClient().get("/v1/sessions").status_code == 401
    assert APIClient().post("/v1/sessions", {"session_name": "a"}).status_code == 401
    assert Session.objects.count() == 0


def test_an_inactive_key_opens_nothing(tenant: Any) -> None:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(tenant, active=False).text)

    response = client.get("/v1/sessions")

    assert response.status_code == 401
    assert response.json()["code"] == "api_key_inactive"
