"""What narrows the lists, and keys that are limited to some sessions."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from sessions_app.models import Session, SessionTransition
from sessions_app.states import Hold, SessionStatus
from sessions_app.tests.factories import client_of, end_plan, make_customer, make_session

pytestmark = pytest.mark.django_db


def listed(client: APIClient, **query: Any) -> list[str]:
    """Return the names of the sessions that a list shows."""
    answer = client.get("/v1/sessions", query)
    assert answer.status_code == 200, answer.json()
    return [session["session_name"] for session in answer.json()["sessions"]]


class TestFilters:
    def test_sessions_by_hold(self, tenant: Any) -> None:
        make_session(tenant=tenant, name="free")
        make_session(tenant=tenant, name="ended", hold=Hold.EXPIRED)
        make_session(tenant=tenant, name="suspended", hold=Hold.SUSPENDED)
        api = client_of(tenant)

        assert listed(api, hold="EXPIRED") == ["ended"]
        assert listed(api, hold="ANY") == ["suspended", "ended"]

    def test_sessions_by_name_status_and_engine(self, tenant: Any) -> None:
        make_session(tenant=tenant, name="shop", status=SessionStatus.CONNECTED)
        make_session(tenant=tenant, name="shop-2", status=SessionStatus.STOPPED)
        api = client_of(tenant)

        assert listed(api, name="shop") == ["shop"]
        assert listed(api, search="SHOP") == ["shop-2", "shop"]
        assert listed(api, search="shop", status="STOPPED", engine="sandbox") == ["shop-2"]

    def test_sessions_by_the_time_they_were_made(self, tenant: Any) -> None:
        now = timezone.now()
        for days in (3, 2, 1):
            session = make_session(tenant=tenant, name=f"{days}")
            Session.objects.filter(pk=session.pk).update(created_at=now - timedelta(days=days))
        api = client_of(tenant)

        since, until = now - timedelta(days=2), now - timedelta(days=1)
        assert listed(api, since=since.isoformat()) == ["1", "2"]
        assert listed(api, since=since.isoformat(), until=until.isoformat()) == ["2"]

    def test_history_by_time(self, tenant: Any) -> None:
        now = timezone.now()
        session = make_session(tenant=tenant)
        for hours, status in ((2, "STARTING"), (1, "CONNECTED")):
            SessionTransition.objects.create(
                session=session, old="STOPPED", new=status, at=now - timedelta(hours=hours)
            )
        since = (now - timedelta(minutes=90)).isoformat()

        answer = client_of(tenant).get(
            f"/v1/sessions/{session.public_id}/transitions", {"since": since}
        )

        assert [step["new"] for step in answer.json()["transitions"]] == ["CONNECTED"]

    @pytest.mark.parametrize("query", ["hold=LATER", "since=yesterday", "until=1"])
    def test_nonsense_is_refused(self, tenant: Any, query: str) -> None:
        assert client_of(tenant).get(f"/v1/sessions?{query}").status_code == 400


class TestLimitedKeys:
    def test_the_list_shows_its_sessions_only(self, tenant: Any) -> None:
        mine = make_session(tenant=tenant, name="mine")
        make_session(tenant=tenant, name="other")

        assert listed(client_of(tenant, mine)) == ["mine"]
        assert listed(client_of(tenant)) == ["other", "mine"]

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("get", ""),
            ("put", ""),
            ("delete", ""),
            ("post", "/start"),
            ("post", "/stop"),
            ("post", "/reconnect"),
            ("get", "/qr"),
            ("get", "/transitions"),
            ("get", "/settings"),
            ("put", "/settings"),
            ("get", "/messages"),
            ("post", "/messages"),
            ("get", "/messages/msg_1"),
            ("get", "/contacts"),
            ("get", "/contacts/sync"),
            ("post", "/contacts/sync"),
        ],
    )
    def test_another_session_is_missing(self, tenant: Any, method: str, path: str) -> None:
        mine, other = make_session(tenant=tenant), make_session(tenant=tenant)
        api = client_of(tenant, mine)
        body = {"to": "+1 555 010 0123", "text": "hello"} if path == "/messages" else {}

        answer = getattr(api, method)(f"/v1/sessions/{other.public_id}{path}", body)

        assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")

    @pytest.mark.parametrize("action", ["scan", "inbound", "fault"])
    def test_another_sandbox_is_missing(self, tenant: Any, action: str) -> None:
        mine, other = make_session(tenant=tenant), make_session(tenant=tenant)

        answer = client_of(tenant, mine).post(
            f"/v1/sandbox/sessions/{other.public_id}/{action}", {}
        )

        assert answer.status_code == 404

    def test_its_own_session_answers(self, tenant: Any) -> None:
        mine = make_session(tenant=tenant)

        answer = client_of(tenant, mine).get(f"/v1/sessions/{mine.public_id}")

        assert answer.status_code == 200

    def test_it_makes_no_sessions(self, tenant: Any) -> None:
        api = client_of(tenant, make_session(tenant=tenant))

        answer = api.post("/v1/sessions", {"session_name": "b"})

        assert (answer.status_code, answer.json()["code"]) == (403, "key_limited_to_sessions")
        assert Session.objects.count() == 1


class TestPlans:
    def test_vector_14_without_a_running_plan_nothing_is_made(self, tenant: Any) -> None:
        api = client_of(tenant)
        end_plan(tenant)

        answer = api.post("/v1/sessions", {"session_name": "a"})

        assert answer.status_code == 403
        assert not Session.objects.exists()

    def test_vector_15_no_more_sessions_than_the_plan_has(self) -> None:
        tenant = make_customer(max_sessions=1)
        api = client_of(tenant)
        assert api.post("/v1/sessions", {"session_name": "a"}).status_code == 201

        answer = api.post("/v1/sessions", {"session_name": "b"})

        assert (answer.status_code, answer.json()["code"]) == (403, "session_limit_reached")
        assert Session.objects.count() == 1

    def test_a_held_session_says_why_and_what_helps(self, tenant: Any) -> None:
        session = make_session(tenant=tenant, status=SessionStatus.STOPPED, hold=Hold.EXPIRED)

        shown = client_of(tenant).get(f"/v1/sessions/{session.public_id}").json()["session"]

        assert shown["hold"] == "EXPIRED"
        assert shown["advice"].startswith("No plan runs.")

    def test_g10_a_name_is_saved_and_limits_can_be_taken_away(self, tenant: Any) -> None:
        session = make_session(
            tenant=tenant, expiration_seconds=60, expires_at=timezone.now(), history_limit=5
        )

        answer = client_of(tenant).put(
            f"/v1/sessions/{session.public_id}",
            {"session_name": "renamed", "expiration_sec": 0, "history": 0},
        )

        shown = answer.json()["session"]
        assert (shown["session_name"], shown["expiration_sec"]) == ("renamed", 0)
        assert (shown["expires_at"], shown["history"]) == (None, 0)
        session.refresh_from_db()
        assert (session.name, session.expires_at, session.history_limit) == ("renamed", None, 0)
