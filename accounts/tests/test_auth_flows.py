"""`/auth`: second factor, refresh, log out; and signing up twice or over somebody."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.api import cookies
from accounts.models import LoginSession, User
from accounts.tests.clients import bearer, log_in
from accounts.tests.factories import PASSWORD, make_login, make_member, make_tenant, make_user
from accounts.tests.totp_apps import LATER, code_at, enroll

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return APIClient()


@pytest.fixture
def browser():
    """Return a client that has Alice's cookies, as her browser has after a login."""
    make_tenant(owner=make_user("alice"))
    client = APIClient()
    client.post("/auth/login", {"username": "alice", "password": PASSWORD})
    return client


@pytest.mark.parametrize(
    "name",
    [{"email": "Alice@example.com"}, {"username": "alice"}, {"username": "alice@example.com"}],
)
def test_people_log_in_by_address_or_user_name(client, name):
    make_tenant(owner=make_user("alice"))

    answer = log_in(client, **name)

    assert (answer.status_code, answer.json()["username"]) == (200, "alice")


def test_anna9_a_wrong_user_name_and_a_wrong_address_get_one_answer(client):
    answers = [log_in(client, username="nobody"), log_in(client, email="nobody@example.com")]

    bodies = [answer.json() | {"trace_id": ""} for answer in answers]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "invalid_credentials"


def test_whoever_has_a_second_factor_is_asked_for_it(client):
    alice = make_user("alice")
    make_tenant(owner=alice)
    enroll(alice)

    answer = log_in(client, username="alice")

    body = answer.json()
    assert (answer.status_code, body["code"]) == (401, "second_factor_required")
    assert body["methods"] == ["totp", "recovery_code"]
    assert body["pending"].startswith("orp_")
    assert "orsta_session" not in answer.cookies
    assert not LoginSession.objects.exists()


def test_a_login_goes_on_with_the_second_factor(client):
    alice = make_user("alice")
    make_tenant(owner=alice)
    _, codes = enroll(alice)
    pending = log_in(client, username="alice").json()["pending"]

    refused = client.post("/auth/login/second-factor", {"pending": pending, "code": "0"})
    answer = client.post("/auth/login/second-factor", {"pending": pending, "code": codes[0]})
    again = client.post("/auth/login/second-factor", {"pending": pending, "code": codes[1]})

    assert (refused.status_code, refused.json()["code"]) == (401, "wrong_code")
    assert answer.status_code == 200
    assert answer.cookies["orsta_session"].value == answer.json()["token"]
    assert (again.status_code, again.json()["code"]) == (401, "pending_login_over")


def test_password_and_code_in_one_go_open_the_login(client, time_machine):
    alice = make_user("alice")
    make_tenant(owner=alice)
    secret, _ = enroll(alice)
    time_machine.move_to(LATER)

    answer = log_in(client, username="alice", code=code_at(secret, LATER))

    assert answer.status_code == 200


def test_the_refresh_cookie_goes_to_one_path_only(browser):
    cookie = browser.cookies["orsta_refresh"]

    assert cookie.value.startswith("orr_")
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (
        "/auth/refresh",
        True,
        "Strict",
    )
    assert cookie["max-age"] == 30 * 24 * 3600


def test_the_refresh_cookie_is_sent_to_where_a_login_is_refreshed():
    assert reverse("refresh") == cookies.REFRESH_PATH


def test_a_refresh_brings_new_cookies_and_a_new_token(browser):
    before = {name: browser.cookies[name].value for name in ("orsta_session", "orsta_refresh")}

    answer = browser.post("/auth/refresh")

    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.json() == {"token": browser.cookies["orsta_session"].value}
    for name, value in before.items():
        assert browser.cookies[name].value != value
    assert browser.get("/auth/me").status_code == 200


def test_anna8_a_copied_refresh_cookie_ends_the_login(browser):
    thief = APIClient()
    thief.cookies["orsta_refresh"] = browser.cookies["orsta_refresh"].value
    assert thief.post("/auth/refresh").status_code == 200

    answer = browser.post("/auth/refresh")

    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_reused")
    assert thief.get("/auth/me").status_code == 401


def test_without_a_refresh_cookie_nothing_is_prolonged(client):
    answer = client.post("/auth/refresh", headers=bearer(make_login()))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


def test_logging_out_takes_both_cookies(browser):
    answer = browser.post("/auth/logout")

    assert [(name, answer.cookies[name].value) for name in sorted(answer.cookies)] == [
        ("orsta_refresh", ""),
        ("orsta_session", ""),
    ]


def test_logging_out_everywhere_ends_every_login_of_the_person(client):
    alice = make_login()
    other = make_login(alice.tenant, alice.user)
    bob = make_login(alice.tenant, make_member(alice.tenant))

    answer = client.post("/auth/logout-all", headers=bearer(alice))

    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    statuses = [
        client.get("/auth/me", headers=bearer(each)).status_code for each in (alice, other, bob)
    ]
    assert statuses == [401, 401, 200]


def test_a_sign_up_that_is_sent_again_has_one_effect_and_shows_no_secret_twice(client):
    body = {"username": "alice", "email": "alice@example.com", "password": "supersecret-7"}
    headers = {"Idempotency-Key": "sign-up-1"}

    first = client.post("/auth/signup", body, headers=headers)
    again = client.post("/auth/signup", body, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json() | {"token": "", "eakey": ""}
    assert User.objects.count() == 1


def test_anna1_nobody_signs_up_over_somebody_else(client):
    """An id in the body replaced the row of its owner, password and all."""
    alice = make_user("alice")
    body = {
        "id": alice.public_id,
        "user_id": alice.public_id,
        "pk": alice.pk,
        "username": "eve",
        "email": "eve@example.com",
        "password": "supersecret-7",
    }

    answer = client.post("/auth/signup", body)

    assert answer.status_code == 201
    assert answer.json()["user_id"] != alice.public_id
    alice.refresh_from_db()
    assert (alice.username, alice.check_password(PASSWORD)) == ("alice", True)
