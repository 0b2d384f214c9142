"""`/v1/sessions`: what is read, in which order, and with how many queries."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from sessions_app.states import DesiredState, SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


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
