"""What gateways post is believed when it is signed, and kept once."""

import json

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from accounts.models import AuditEntry
from sessions_app.ingest import hooks
from sessions_app.models import InboxEntry
from sessions_app.services import engine_refs, inbox
from sessions_app.states import DesiredState, GatewayState
from sessions_app.tests.fake_gateways import make_gateway, make_guest, sign

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway_engine")]


@pytest.fixture
def session():
    return make_guest(make_gateway())


def post(session, event=None, *, gateway=None, key=None, event_id="1", **more):
    gateway = gateway or session.gateway
    body = json.dumps({"session": session.public_id, "id": event_id, "event": event or {}})
    if key is None:
        key = engine_refs.place_of(session.gateway, secret=session.engine_secret).hmac_key
    headers = {"X-Signature": sign(body.encode(), key)}
    return Client(enforce_csrf_checks=True).post(
        f"/hooks/engines/{gateway.public_id}",
        body,
        content_type="application/json",
        headers=headers | more,
    )


def refused(code: str) -> float:
    return REGISTRY.get_sample_value("orsta_engine_webhooks_total", {"outcome": code}) or 0.0


def test_a_signed_webhook_is_kept_for_the_runner(session):
    answer = post(session, {"text": "hello"})

    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    (entry,) = inbox.waiting(session_ids=[session.pk], limit=10)[session.pk]
    assert inbox.payload_of(entry) == {"text": "hello"}


def test_a_repeated_delivery_is_kept_once(session):
    assert post(session, {"n": 1}).status_code == 200
    assert post(session, {"n": 1}).status_code == 200
    assert post(session, {"n": 2}, event_id="2").status_code == 200

    assert InboxEntry.objects.count() == 2


@pytest.mark.parametrize("key", ["", "another key"])
def test_what_is_not_signed_by_the_sessions_gateway_is_refused(session, key):
    before = refused("bad_signature")

    answer = post(session, key=key)

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert not InboxEntry.objects.exists()
    assert refused("bad_signature") == before + 1


def test_forgeries_are_written_down_once_an_hour(session):
    for _ in range(3):
        post(session, key="forged")

    (entry,) = AuditEntry.objects.filter(action="gateway.webhook_refused")
    assert entry.target == session.gateway.public_id


def test_a_gateway_speaks_for_its_own_sessions_only(session):
    stranger = make_gateway()

    not_its_own = post(session, gateway=stranger)

    nobody = Client().post("/hooks/engines/gtw_none", "{}", content_type="application/json")
    assert (not_its_own.status_code, nobody.status_code) == (404, 404)
    assert _without_trace(not_its_own) == _without_trace(nobody)
    assert not InboxEntry.objects.exists()


def test_a_deleted_session_hears_nothing(session):
    session.desired = DesiredState.DELETED
    session.save()

    assert post(session).status_code == 404


def test_a_gateway_in_quarantine_is_not_believed(session):
    session.gateway.state = GatewayState.QUARANTINED
    session.gateway.save()

    answer = post(session)

    assert (answer.status_code, answer.json()["code"]) == (503, "gateway_quarantined")
    assert not InboxEntry.objects.exists()


def test_what_no_gateway_would_post_is_refused(session):
    url = f"/hooks/engines/{session.gateway.public_id}"

    answer = Client().post(url, b"\xff\x00", content_type="application/octet-stream")

    assert (answer.status_code, answer.json()["code"]) == (400, "not_a_webhook")


def test_a_body_that_is_too_long_is_not_read(session, monkeypatch):
    monkeypatch.setattr(hooks, "MAX_BYTES", 100)

    answer = post(session, {"text": "x" * 100})

    assert answer.status_code == 413
    assert not InboxEntry.objects.exists()


def test_only_posts_are_taken(session):
    answer = Client().get(f"/hooks/engines/{session.gateway.public_id}")

    assert answer.status_code == 405


def test_a_webhook_costs_three_queries(session, django_assert_num_queries):
    with django_assert_num_queries(3):
        assert post(session).status_code == 200


def _without_trace(response):
    return {key: value for key, value in response.json().items() if key != "trace_id"}
