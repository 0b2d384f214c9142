"""`/v1/sessions`, as a customer's program sees it."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key
from sessions_app.models import Session
from sessions_app.states import DesiredState, SessionStatus
from sessions_app.tests.factories import make_customer, make_session
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


def client_of(tenant: Any) -> APIClient:
    """Return a client with the tenant's API key."""
    client = APIClient(raise_request_exception=True)
    client.credentials(HTTP_X_API_KEY=make_api_key(tenant).text)
    return client


@pytest.fixture
def tenant() -> Any:
    """Alice's tenant: room for three sessions."""
    return make_customer(max_sessions=3)


@pytest.fixture
def alice(tenant: Any) -> APIClient:
    """A program of Alice's."""
    return client_of(tenant)


@pytest.fixture
def charlie() -> APIClient:
    """A program of a stranger's."""
    return client_of(make_customer())


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


class TestRead:
    def test_a_session_is_read(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant, status=SessionStatus.CONNECTED, push_name="Al")

        response = alice.get(f"/v1/sessions/{session.public_id}")

        answer = response.json()["session"]
        assert response.status_code == 200
        assert (answer["status"], answer["connected"]) == ("CONNECTED", True)
        assert (answer["logged_in"], answer["push_name"]) == (True, "Al")
        assert answer["jid"] == "15550100001@s.whatsapp.net"
        assert answer["advice"] == "Messages go in and out."
        assert (answer["last_message_sent"], answer["last_message_fail"]) == (0, 0)
        assert answer["last_synced_at"] is None

    def test_a_stopped_session_stays_logged_in(self, alice: APIClient, tenant: Any) -> None:
        linked = make_session(tenant=tenant, jid="15550100001@s.whatsapp.net")
        removed = make_session(
            tenant=tenant,
            jid="15550100001@s.whatsapp.net",
            status=SessionStatus.LOGGED_OUT,
        )

        answers = alice.get("/v1/sessions").json()["sessions"]

        logged_in = {answer["id"]: answer["logged_in"] for answer in answers}
        assert logged_in == {linked.public_id: True, removed.public_id: False}

    def test_the_list_shows_the_newest_first(self, alice: APIClient, tenant: Any) -> None:
        rows = [make_session(tenant=tenant) for _ in range(3)]
        make_session()
        make_session(tenant=tenant, desired=DesiredState.DELETED)

        answer = alice.get("/v1/sessions").json()

        assert [row["id"] for row in answer["sessions"]] == [
            row.public_id for row in reversed(rows)
        ]
        assert answer["next_cursor"] is None

    def test_pages_stay_whole_while_rows_are_added(self, alice: APIClient, tenant: Any) -> None:
        old = [make_session(tenant=tenant).public_id for _ in range(5)]
        first = alice.get("/v1/sessions?limit=2").json()

        make_session(tenant=tenant)
        second = alice.get("/v1/sessions", {"limit": 2, "cursor": first["next_cursor"]}).json()
        make_session(tenant=tenant)
        third = alice.get("/v1/sessions", {"limit": 2, "cursor": second["next_cursor"]}).json()

        seen = [row["id"] for page in (first, second, third) for row in page["sessions"]]
        assert seen == old[::-1]
        assert third["next_cursor"] is None

    def test_the_list_is_narrowed(self, alice: APIClient, tenant: Any) -> None:
        wanted = make_session(tenant=tenant, status=SessionStatus.CONNECTED, name="Sales 1")
        make_session(tenant=tenant, status=SessionStatus.STOPPED, name="sales 2")
        make_session(tenant=tenant, status=SessionStatus.CONNECTED, name="Support")

        query = {"status": "CONNECTED", "engine": "sandbox", "search": "sALes"}
        answer = alice.get("/v1/sessions", query).json()

        assert [row["id"] for row in answer["sessions"]] == [wanted.public_id]

    @pytest.mark.parametrize(
        "query", ["status=NOPE", "search=%00", "engine=%00", "search=" + "x" * 81]
    )
    def test_a_filter_without_sense_is_refused(self, alice: APIClient, query: str) -> None:
        assert alice.get(f"/v1/sessions?{query}").status_code == 400

    @pytest.mark.parametrize("cursor", ["x", "%00", "é", "MTIz" * 40, "LTE"])
    def test_a_foreign_cursor_is_refused(self, alice: APIClient, cursor: str) -> None:
        response = alice.get(f"/v1/sessions?cursor={cursor}")

        assert response.status_code == 400
        assert response.json()["code"] == "bad_cursor"

    def test_history_is_listed(self, alice: APIClient, tenant: Any) -> None:
        session = make_session(tenant=tenant, status=SessionStatus.STOPPED)
        alice.post(f"/v1/sessions/{session.public_id}/start")

        answer = alice.get(f"/v1/sessions/{session.public_id}/transitions").json()

        (step,) = answer["transitions"]
        assert (step["old"], step["new"]) == ("STOPPED", "STARTING")
        assert step["reason"] == "start requested"
        assert answer["next_cursor"] is None


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
    assert APIClient().post("/v1/sessions", EVERYTHING).status_code == 401
    assert Session.objects.count() == 0


def test_an_inactive_key_opens_nothing(tenant: Any) -> None:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(tenant, active=False).text)

    response = client.get("/v1/sessions")

    assert response.status_code == 401
    assert response.json()["code"] == "api_key_inactive"


class TestQueries:
    def test_a_list_takes_one_query(
        self, alice: APIClient, tenant: Any, django_assert_num_queries: Any
    ) -> None:
        for _ in range(10):
            make_session(tenant=tenant)
        alice.get("/v1/sessions")  # from here on the key is remembered

        with django_assert_num_queries(1):
            assert len(alice.get("/v1/sessions").json()["sessions"]) == 10

    def test_a_session_takes_one_query(
        self, alice: APIClient, tenant: Any, django_assert_num_queries: Any
    ) -> None:
        session = make_session(tenant=tenant)
        alice.get("/v1/sessions")

        with django_assert_num_queries(1):
            alice.get(f"/v1/sessions/{session.public_id}")

    def test_history_takes_two(
        self, alice: APIClient, tenant: Any, django_assert_num_queries: Any
    ) -> None:
        session = make_session(tenant=tenant)
        alice.get("/v1/sessions")

        with django_assert_num_queries(2):
            alice.get(f"/v1/sessions/{session.public_id}/transitions")

    def test_a_creation_takes_eight(
        self, alice: APIClient, tenant: Any, django_assert_num_queries: Any
    ) -> None:
        alice.post("/v1/sessions", {"session_name": "a"})

        with django_assert_num_queries(8):
            alice.post("/v1/sessions", {"session_name": "b"})

    def test_a_code_takes_two(
        self, alice: APIClient, tenant: Any, django_assert_num_queries: Any
    ) -> None:
        session = make_session(tenant=tenant, status=SessionStatus.PAIRING)
        alice.get("/v1/sessions")

        with django_assert_num_queries(2):
            alice.get(f"/v1/sessions/{session.public_id}/qr")

    def test_a_key_that_is_not_remembered_costs_one(
        self, alice: APIClient, django_assert_max_num_queries: Any
    ) -> None:
        # The key, its mark of last use, what the plan gives (three), and the list.
        with django_assert_max_num_queries(6):
            alice.get("/v1/sessions")
