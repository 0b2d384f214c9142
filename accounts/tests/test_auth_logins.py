"""`/auth`: a person's logins and workspaces."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import LoginSession, Role
from accounts.tests.clients import bearer, log_in
from accounts.tests.factories import (
    PASSWORD,
    make_api_key,
    make_login,
    make_member,
    make_tenant,
    make_user,
)
from orsta.core.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/138.0.0.0 Safari/537.36"
)


@pytest.fixture
def client():
    return APIClient()


def test_people_see_where_they_are_logged_in(client):
    tenant = make_tenant(owner=make_user("alice"))
    log_in(client, username="alice", REMOTE_ADDR="192.0.2.7")
    client.post(
        "/auth/login",
        {"username": "alice", "password": PASSWORD},
        REMOTE_ADDR="192.0.2.7",
        headers={"User-Agent": CHROME},
    )
    make_login(tenant, make_member(tenant))

    rows = client.get("/auth/sessions").json()["login_sessions"]

    assert [row["current"] for row in rows] == [True, False]
    assert rows[0]["device"] == "Chrome on Linux"
    assert rows[0]["ip"] == "192.0.2.7"
    assert rows[0]["workspace"] == tenant.public_id
    assert rows[0]["last_seen_at"] is not None
    assert set(rows[0]) == {
        "id",
        "device",
        "ip",
        "workspace",
        "created_at",
        "last_seen_at",
        "current",
    }


def test_a_login_that_ended_or_ran_out_is_not_listed(client):
    now = timezone.now()
    alice = make_login(now=now)
    gone = make_login(alice.tenant, alice.user)
    LoginSession.objects.filter(pk=gone.row.pk).update(revoked_at=now)
    make_login(alice.tenant, alice.user, now=now - timedelta(days=31))
    refreshable = make_login(alice.tenant, alice.user, now=now - timedelta(days=29))

    rows = client.get("/auth/sessions", headers=bearer(alice)).json()["login_sessions"]

    assert {row["id"] for row in rows} == {alice.row.public_id, refreshable.row.public_id}


def test_a_person_ends_one_of_its_logins(client):
    alice = make_login()
    other = make_login(alice.tenant, alice.user)

    answer = client.delete(f"/auth/sessions/{other.row.public_id}", headers=bearer(alice))

    assert answer.status_code == 204
    assert client.get("/auth/me", headers=bearer(other)).status_code == 401
    assert client.get("/auth/me", headers=bearer(alice)).status_code == 200


def test_another_persons_login_is_as_unknown_as_any(client):
    alice = make_login()
    bob = make_login(alice.tenant, make_member(alice.tenant))

    answers = [
        client.delete(f"/auth/sessions/{name}", headers=bearer(alice))
        for name in (bob.row.public_id, "log_00000000000000000000000000", "x")
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert client.get("/auth/me", headers=bearer(bob)).status_code == 200


def test_a_login_moves_to_another_workspace_of_its_person(client):
    alice = make_login()
    other = make_tenant("Other")
    make_member(other, alice.user, Role.VIEWER)

    answer = client.post(
        "/auth/switch-tenant", {"tenant_id": other.public_id}, headers=bearer(alice)
    )

    me = client.get("/auth/me", headers=bearer(alice)).json()
    assert answer.json() == {"id": other.public_id, "name": "Other", "role": "VIEWER"}
    assert me["tenant"] == answer.json()
    assert [each["id"] for each in me["workspaces"]] == [
        alice.tenant.public_id,
        other.public_id,
    ]
    event = OutboxEvent.objects.get(name="login_session.moved")
    assert event.tenant_id == alice.tenant.pk
    assert event.payload == {"credential_id": alice.row.public_id}


def test_nobody_moves_to_a_workspace_that_is_not_theirs(client):
    alice, foreign = make_login(), make_tenant("Foreign")

    answers = [
        client.post("/auth/switch-tenant", {"tenant_id": name}, headers=bearer(alice))
        for name in (foreign.public_id, "ten_unknown", "\x00")
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 400]
    assert LoginSession.objects.get().tenant == alice.tenant


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/auth/logout-all"),
        ("post", "/auth/password-change"),
        ("get", "/auth/sessions"),
        ("delete", "/auth/sessions/x"),
        ("post", "/auth/switch-tenant"),
    ],
)
def test_what_is_about_a_person_is_closed_to_programs(client, method, path):
    headers = {"x-api-key": make_api_key().text}

    answer = getattr(client, method)(path, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "login_required")
