"""What an API key may say about a session's engine, device and proxy."""

import pytest

from accounts.tests.factories import make_api_key
from sessions_app.models import Session
from sessions_app.tests.factories import make_customer
from sessions_app.tests.fake_gateways import ENGINE, make_gateway, make_proxy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway_engine")]


@pytest.fixture
def call(client):
    key = make_api_key(make_customer()).text

    def send(method: str, path: str, **body):
        return getattr(client, method)(
            f"/v1/{path}",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
        )

    return send


def test_a_session_has_an_engine_a_device_name_and_a_proxy(call, settings):
    settings.ORSTA_PROXY_POLICY = "available"
    make_gateway()
    proxy = make_proxy(country="DE")

    answer = call(
        "post",
        "sessions",
        session_name="till",
        engine=ENGINE,
        device_name="Till 3",
        proxy_country="de",
    )

    assert answer.status_code == 201
    session = answer.json()["session"]
    assert (session["engine"], session["device_name"]) == (ENGINE, "Till 3")
    assert Session.objects.get().proxy == proxy
    assert "hunter2" not in answer.content.decode()


def test_a_device_name_can_be_changed(call):
    made = call("post", "sessions", session_name="till").json()["session"]

    answer = call("put", f"sessions/{made['id']}", device_name="Till 4")

    assert (answer.status_code, answer.json()["session"]["device_name"]) == (200, "Till 4")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"engine": ENGINE}, 503, "no_gateway_capacity"),
        ({"engine": "sandbox", "proxy_country": "DE"}, 409, "capability_missing"),
        ({"engine": "telepathy"}, 400, "unknown_engine"),
        ({"proxy_country": "Germany"}, 400, "invalid_input"),
        ({"device_name": "x" * 51}, 400, "invalid_input"),
    ],
)
def test_what_can_not_be_had_is_said(call, fields, status, code):
    answer = call("post", "sessions", session_name="till", **fields)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Session.objects.exists()
