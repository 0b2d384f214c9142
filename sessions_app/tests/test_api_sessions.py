"""`/v1/sessions`: making, changing, deleting and steering sessions."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from sessions_app.models import Session
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session
from subscriptions.models import QuotaUsage

pytestmark = pytest.mark.django_db

EVERYTHING = {
    "session_name": "marketing-1",
    "engine": "sandbox",
    "webhook_url": "https://example.com/hooks/orsta?token=1",
    "events": "Message,QR",
    "expiration_sec": 3600,
    "auto_connect": False,
    "auto_read_enabled": True,
    "typing_enabled": True,
    "history": 25,
}


class TestCreate:
    def test_every_field_is_stored_and_answered(self, alice: APIClient, tenant: Any) -> None:
        response = alice.post("/v1/sessions", EVERYTHING)

        assert response.status_code == 201
        answer = response.json()["session"]
        row = Session.objects.get()
        assert {name: answer[name] for name in EVERYTHING} == EVERYTHING
        assert answer["id"] == answer["session_id"] == row.public_id
        assert answer["user_id"] == tenant.public_id
        assert answer["provider"] == "orsta"
        assert (row.name, row.webhook_url) == ("marketing-1", EVERYTHING["webhook_url"])
        assert (row.events, row.expiration_seconds) == ("Message,QR", 3600)
        assert (row.auto_read_enabled, row.typing_enabled) == (True, True)
        assert (row.history_limit, row.auto_connect) == (25, False)

    def test_a_name_is_enough(self, alice: APIClient) -> None:
        answer = alice.post("/v1/sessions", {"session_name": "a"}).json()["session"]

        assert answer["engine"] == "sandbox"
        assert answer["events"] == "Message,Connected,Disconnected,QR"
        assert (answer["webhook_url"], answer["history"]) == ("", 0)
        assert (answer["auto_connect"], answer["desired"]) == (True, "RUNNING")
        assert (answer["status"], answer["connected"]) == ("CREATED", False)
        assert (answer["logged_in"], answer["jid"]) == (False, "")
        assert answer["advice"] == "The session is being prepared."

    def test_one_too_many_is_refused(self, alice: APIClient) -> None:
        for _ in range(3):
            assert alice.post("/v1/sessions", {"session_name": "a"}).status_code == 201

        response = alice.post("/v1/sessions", {"session_name": "one too many"})

        assert response.status_code == 403
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == "session_limit_reached"
        assert (response.json()["limit"], response.json()["used"]) == (3, 3)
        assert Session.objects.count() == 3

    def test_a_key_makes_it_once(self, alice: APIClient) -> None:
        first = alice.post("/v1/sessions", EVERYTHING, HTTP_IDEMPOTENCY_KEY="k1")
        second = alice.post("/v1/sessions", EVERYTHING, HTTP_IDEMPOTENCY_KEY="k1")

        assert second.status_code == 201
        assert second.json() == first.json()
        assert second.headers["Idempotent-Replayed"] == "true"
        assert Session.objects.count() == 1
        assert QuotaUsage.objects.get().used == 1

    def test_a_key_with_another_body_is_refused(self, alice: APIClient) -> None:
        alice.post("/v1/sessions", EVERYTHING, HTTP_IDEMPOTENCY_KEY="k1")

        response = alice.post("/v1/sessions", {"session_name": "b"}, HTTP_IDEMPOTENCY_KEY="k1")

        assert response.status_code == 422
        assert response.json()["code"] == "idempotency_key_reused"
        assert Session.objects.count() == 1

    def test_an_unknown_engine_is_refused(self, alice: APIClient) -> None:
        response = alice.post("/v1/sessions", {"session_name": "a", "engine": "carrier-pigeon"})

        assert response.status_code == 400
        assert Session.objects.count() == 0

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/hook",
            "http://169.254.169.254/latest/meta-data",
            "http://[::1]:8000/",
            "http://0x7f.1/",
            "https://user:secret@example.com/",
            "ftp://example.com/",
            "javascript:alert(1)",
            "example.com",
        ],
    )
    def test_g13_a_webhook_goes_to_the_public_internet(
        self, alice: APIClient, url: str
    ) -> None:
        response = alice.post("/v1/sessions", {"session_name": "a", "webhook_url": url})

        assert response.status_code == 400
        assert response.json()["code"] == "unsafe_address"
        assert Session.objects.count() == 0
        assert not QuotaUsage.objects.filter(used__gt=0).exists()

    def test_events_are_normalized(self, alice: APIClient) -> None:
        fields = {"session_name": "a", "events": " QR, Message,,QR "}

        answer = alice.post("/v1/sessions", fields).json()["session"]

        assert answer["events"] == "QR,Message"


class TestChange:
    def test_every_field_can_be_changed(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant)
        changes = {name: value for name, value in EVERYTHING.items() if name != "engine"}

        response = alice.put(f"/v1/sessions/{session.public_id}", changes)

        assert response.status_code == 200
        read = alice.get(f"/v1/sessions/{session.public_id}").json()["session"]
        assert {name: read[name] for name in changes} == changes
        assert response.json()["session"] == read

    def test_what_is_not_sent_stays(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant, name="old", webhook_url="https://example.com/")

        alice.put(f"/v1/sessions/{session.public_id}", {"session_name": "new"})

        session.refresh_from_db()
        assert (session.name, session.webhook_url) == ("new", "https://example.com/")

    def test_an_empty_url_clears_the_webhook(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant, webhook_url="https://example.com/")

        answer = alice.put(f"/v1/sessions/{session.public_id}", {"webhook_url": ""}).json()

        session.refresh_from_db()
        assert answer["session"]["webhook_url"] == session.webhook_url == ""

    def test_zero_clears_numbers(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant, expiration_seconds=60, history_limit=5)

        alice.put(f"/v1/sessions/{session.public_id}", {"expiration_sec": 0, "history": 0})

        session.refresh_from_db()
        assert (session.expiration_seconds, session.history_limit) == (0, 0)

    def test_the_engine_does_not_change(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant)

        alice.put(f"/v1/sessions/{session.public_id}", {"engine": "neonize"})

        session.refresh_from_db()
        assert session.engine == "sandbox"

    def test_a_private_webhook_is_refused(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant, webhook_url="https://example.com/")

        response = alice.put(
            f"/v1/sessions/{session.public_id}", {"webhook_url": "http://10.0.0.1/"}
        )

        session.refresh_from_db()
        assert response.json()["code"] == "unsafe_address"
        assert session.webhook_url == "https://example.com/"


class TestDelete:
    def test_a_session_is_gone_and_its_place_free(self, alice: APIClient) -> None:
        ids = [
            alice.post("/v1/sessions", {"session_name": "a"}).json()["session"]["id"]
            for _ in range(3)
        ]

        response = alice.delete(f"/v1/sessions/{ids[0]}")

        assert response.status_code == 200
        assert response.json() == {"ok": True, "id": ids[0]}
        assert alice.get(f"/v1/sessions/{ids[0]}").status_code == 404
        assert alice.delete(f"/v1/sessions/{ids[0]}").status_code == 404
        assert alice.post("/v1/sessions", {"session_name": "b"}).status_code == 201


class TestActions:
    def test_start(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant)

        response = alice.post(f"/v1/sessions/{session.public_id}/start")

        assert response.status_code == 202
        answer = response.json()["session"]
        assert (answer["desired"], answer["status"]) == ("RUNNING", "STARTING")

    def test_stop(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant, status=SessionStatus.CONNECTED)

        response = alice.post(f"/v1/sessions/{session.public_id}/stop")

        assert response.status_code == 202
        assert response.json()["session"]["desired"] == "STOPPED"

    def test_reconnect_once_per_key(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant, status=SessionStatus.CONNECTED)
        path = f"/v1/sessions/{session.public_id}/reconnect"

        first = alice.post(path, HTTP_IDEMPOTENCY_KEY="k")
        second = alice.post(path, HTTP_IDEMPOTENCY_KEY="k")

        assert (first.status_code, second.status_code) == (202, 202)
        assert session.commands.count() == 1

    def test_a_stopped_session_does_not_reconnect(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant)

        response = alice.post(f"/v1/sessions/{session.public_id}/reconnect")

        assert response.status_code == 409
        assert session.commands.count() == 0
