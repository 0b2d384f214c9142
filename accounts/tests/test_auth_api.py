"""`/auth` as a client sees it."""

import re

import pytest
from rest_framework.test import APIClient

from accounts.models import ApiKey, LoginSession, Membership, User
from accounts.services import keys
from accounts.tests.clients import bearer_of
from accounts.tests.factories import (
    make_api_key,
    make_login,
    make_service_key,
    make_tenant,
    make_user,
)

pytestmark = pytest.mark.django_db
ALICE = {
    "username": "alice",
    "email": "alice@example.com",
    "password": "supersecret-7",
    "passkey": None,
}
PROBLEM = {"type", "title", "status", "detail", "error", "code", "trace_id"}


@pytest.fixture
def client():
    return APIClient()


def test_signing_up_answers_token_ids_and_the_key_in_full(client):
    answer = client.post("/auth/signup", ALICE)

    user, key = User.objects.get(), ApiKey.objects.get()
    body = answer.json()
    assert answer.status_code == 201
    assert set(body) == {"token", "user_id", "username", "eakey"}
    assert (body["user_id"], body["username"]) == (user.public_id, "alice")
    assert body["eakey"].startswith(f"ork_{key.key_id}_")
    assert body["eakey"].endswith(key.hint)
    assert "••••" not in body["eakey"]
    assert answer.headers["Content-Type"] == "application/json"
    assert "no-store" in answer.headers["Cache-Control"]


def test_b5_logging_in_answers_the_same_four_members_with_the_key_masked(client):
    """The key was given out in full at every login."""
    signed_up = client.post("/auth/signup", ALICE).json()

    answer = client.post(
        "/auth/login", {"email": ALICE["email"], "password": ALICE["password"]}
    )

    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"token", "user_id", "username", "eakey"}
    assert body["user_id"] == signed_up["user_id"]
    assert body["token"] != signed_up["token"]
    assert body["eakey"] == f"{signed_up['eakey'][:17]}••••{signed_up['eakey'][-4:]}"
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("secure", [True, False])
def test_b10_the_cookie_is_strict_http_only_and_secure_when_deployed(client, settings, secure):
    """The cookie had no Secure."""
    settings.SESSION_COOKIE_SECURE = secure

    answer = client.post("/auth/signup", ALICE)

    cookie = answer.cookies["orsta_session"]
    assert cookie.value == answer.json()["token"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert cookie["max-age"] == 604_800
    assert cookie["domain"] == ""
    assert bool(cookie["secure"]) is secure


@pytest.mark.parametrize(
    "again",
    [
        {"username": "bob"},
        {"email": "bob@example.com"},
        {"username": "bob", "email": "Alice@EXAMPLE.com"},
    ],
)
def test_o7_b15_a_taken_name_or_address_is_409_with_one_sentence(client, again):
    """Vector 1: any insert error was a 409."""
    client.post("/auth/signup", ALICE)

    answer = client.post("/auth/signup", ALICE | again)

    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == PROBLEM
    assert answer.json()["error"] == "Username or email already exists"
    assert answer.json()["code"] == "account_exists"
    assert User.objects.count() == 1
    assert "orsta_session" not in answer.cookies


def test_wrong_password_and_unknown_address_get_one_answer(client):
    """Vector 2."""
    client.post("/auth/signup", ALICE)

    answers = [
        client.post("/auth/login", {"email": email, "password": "wrong"})
        for email in (ALICE["email"], "nobody@example.com")
    ]

    bodies = [answer.json() | {"trace_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert bodies[0] == bodies[1]
    assert bodies[0]["error"] == "Invalid credentials"
    assert bodies[0]["code"] == "invalid_credentials"


@pytest.mark.parametrize("way", ["bearer", "cookie"])
def test_b6_o3_logging_out_ends_the_login_at_once_and_clears_the_cookie(client, way):
    token = make_login().token
    if way == "cookie":
        client.cookies["orsta_session"] = token
    headers = bearer_of(token) if way == "bearer" else {}

    answer = client.post("/auth/logout", headers=headers)

    cookie = answer.cookies["orsta_session"]
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", 0, "/")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert APIClient().get("/auth/me", headers=bearer_of(token)).status_code == 401


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Bearer", "Basic YTpi"])
def test_logging_out_without_a_login_is_fine(client, authorization):
    headers = {"Authorization": authorization} if authorization else {}

    answer = client.post("/auth/logout", headers=headers)

    assert (answer.status_code, answer.json()) == (200, {"ok": True})


def test_logging_out_ends_the_login_of_the_header_not_of_the_cookie(client):
    header, cookie = make_login(), make_login()
    client.cookies["orsta_session"] = cookie.token

    client.post("/auth/logout", headers=bearer_of(header.token))

    ended = LoginSession.objects.exclude(revoked_at=None)
    assert list(ended) == [header.row]


def test_me_tells_the_person_the_workspace_and_the_state_of_the_key(client):
    tenant = make_tenant("Acme", owner=make_user("alice"))
    key = make_api_key(tenant, active=False).row
    alice = make_login(tenant)

    answer = client.get("/auth/me", headers=bearer_of(alice.token))

    assert answer.status_code == 200
    acme = {"id": tenant.public_id, "name": "Acme", "role": "OWNER"}
    assert answer.json() == {
        "user_id": alice.user.public_id,
        "username": "alice",
        "email": "alice@example.com",
        "email_verified": False,
        "tenant": acme,
        "workspaces": [acme],
        "second_factors": {"totp": False, "passkeys": 0, "recovery_codes_left": 0},
        "restriction": "",
        "eakey": f"ork_{key.key_id}_••••{key.hint}",
        "api_key_active": False,
    }
    keys.activate(tenant=tenant, now=key.created_at)
    assert (
        client.get("/auth/me", headers=bearer_of(alice.token)).json()["api_key_active"] is True
    )


def test_me_of_a_key_whose_maker_is_gone_tells_the_workspace(client):
    tenant = make_tenant("Acme")
    text = make_api_key(tenant).text
    maker = Membership.objects.get(tenant=tenant).user
    make_login(tenant)
    Membership.objects.create(tenant=tenant, user=make_user("bob"))
    maker.delete()

    body = client.get("/auth/me", headers={"x-api-key": text}).json()

    assert (body["user_id"], body["username"], body["email"]) == ("", "", "")
    assert body["tenant"] == {"id": tenant.public_id, "name": "Acme", "role": ""}
    assert body["api_key_active"] is True


def test_me_costs_five_queries(client, django_assert_num_queries):
    alice = make_login()
    make_api_key(alice.tenant)
    client.get("/auth/me", headers=bearer_of(alice.token))

    with django_assert_num_queries(5):
        client.get("/auth/me", headers=bearer_of(alice.token))


def test_the_client_address_is_the_peers_and_no_header_changes_it(client):
    client.post(
        "/auth/signup",
        ALICE,
        REMOTE_ADDR="192.0.2.7",
        headers={"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"},
    )

    assert LoginSession.objects.get().ip == "192.0.2.7"


@pytest.mark.parametrize(
    ("peer", "kept"), [("", None), ("unix:", None), ("fe80::1%eth0", "fe80::1")]
)
def test_a_peer_without_a_plain_address_is_no_obstacle(client, peer, kept):
    answer = client.post("/auth/signup", ALICE, REMOTE_ADDR=peer)

    assert answer.status_code == 201
    assert LoginSession.objects.get().ip == kept


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/auth/signup"),
        ("put", "/auth/login"),
        ("get", "/auth/logout"),
        ("delete", "/auth/me"),
        ("post", "/internal/me"),
    ],
)
def test_a_wrong_method_is_405_and_says_which_work(client, method, path):
    login, key = make_login(), make_service_key()
    headers = bearer_of(key.text if "internal" in path else login.token)

    answer = getattr(client, method)(path, headers=headers)

    assert answer.status_code == 405
    assert re.search(r"\b(GET|POST)\b", answer.headers["Allow"])
    assert set(answer.json()) == PROBLEM


def test_spaces_around_a_password_are_part_of_it(client):
    client.post("/auth/signup", ALICE | {"password": "  spaced out  "})

    trimmed = client.post("/auth/login", {"email": ALICE["email"], "password": "spaced out"})
    exact = client.post("/auth/login", {"email": ALICE["email"], "password": "  spaced out  "})

    assert (trimmed.status_code, exact.status_code) == (401, 200)
