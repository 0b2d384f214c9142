"""`/auth`: verify an address, reset and change a password."""

import json
import re

import pytest
from celery import Task
from django.core import mail as outbox
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import LinkPurpose, Mail, User
from accounts.tests.clients import bearer, log_in
from accounts.tests.factories import PASSWORD, make_login, make_user
from accounts.tests.mailbox import mailed, wrong

pytestmark = pytest.mark.django_db
NEW = "an entirely new secret"


@pytest.fixture
def client():
    return APIClient()


@pytest.mark.parametrize("by", ["link", "code", "code alone, logged in"])
def test_an_address_is_verified(client, by):
    alice = make_login()
    code, token = mailed(alice.user)
    headers = bearer(alice) if "logged in" in by else {}
    body = {"token": token} if by == "link" else {"code": code}
    if by == "code":
        body["email"] = alice.user.email

    answer = client.post("/auth/verify", body, headers=headers)

    assert (answer.status_code, answer.json()) == (200, {"status": "verified"})
    assert client.get("/auth/me", headers=bearer(alice)).json()["email_verified"] is True


def test_a_stale_cookie_does_not_stop_whoever_has_the_link(client):
    alice = make_login()
    _, token = mailed(alice.user)
    client.cookies["orsta_session"] = "ort_stale"

    assert client.post("/auth/verify", {"token": token}).status_code == 200


def test_a_bare_code_needs_somebody_who_is_logged_in(client):
    code, _ = mailed(make_user())

    answer = client.post("/auth/verify", {"code": code})

    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == ["email"]


def test_anna9_a_wrong_code_and_an_unknown_address_get_one_answer(client):
    alice = make_user()
    code, _ = mailed(alice)

    answers = [
        client.post("/auth/verify", {"code": wrong(code), "email": email})
        for email in (alice.email, "nobody@example.com")
    ]

    bodies = [answer.json() | {"trace_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "invalid_code"


@pytest.mark.parametrize("path", ["/auth/resend-verification", "/auth/password-reset"])
def test_anna9_asking_for_a_mail_has_one_answer_whoever_it_is_for(client, path):
    people = [
        make_user(),
        make_user(email_verified_at=timezone.now()),
        make_user(is_active=False),
    ]

    answers = [
        client.post(path, {"email": email})
        for email in [*(each.email for each in people), "nobody@example.com"]
    ]

    assert {(each.status_code, each.content) for each in answers} == {(200, b'{"status":"ok"}')}


@pytest.fixture
def worker(monkeypatch):
    """Run tasks where they are enqueued, as a worker would a moment later."""

    def run(task, **kwargs):
        task.apply(kwargs=kwargs, throw=True)

    monkeypatch.setattr(Task, "delay", run)


@pytest.mark.django_db(transaction=True)
def test_a_forgotten_password_is_reset_from_request_to_login(client, worker, drain_outbox):
    alice = make_login(user=make_user("alice"))

    client.post("/auth/password-reset", {"email": "alice@example.com"})
    drain_outbox()
    (received,) = outbox.outbox
    token = re.search(r"/console/reset#(\w+)", received.body)[1]
    answer = client.post("/auth/password-reset/confirm", {"token": token, "new_password": NEW})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert client.get("/auth/me", headers=bearer(alice)).status_code == 401
    assert log_in(client, username="alice").status_code == 401
    assert log_in(client, username="alice", password=NEW).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_sign_up_is_verified_with_the_code_of_its_mail(client, worker, drain_outbox):
    body = {"username": "alice", "email": "alice@example.com", "password": "supersecret-7"}
    client.post("/auth/signup", body)

    drain_outbox()
    code = re.search(r"\b\d{6}\b", outbox.outbox[0].body)[0]
    answer = client.post("/auth/verify", {"code": code, "email": body["email"]})

    assert answer.json() == {"status": "verified"}


def test_a_reset_takes_the_password_under_its_old_name_too(client):
    alice = make_user()
    code, _ = mailed(alice, LinkPurpose.RESET, now=timezone.now())

    answer = client.post(
        "/auth/password-reset/confirm",
        {"email": alice.email, "code": code, "newPassword": NEW},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "token"),
        ({"new_password": NEW}, "token"),
        ({"code": "123456", "new_password": NEW}, "token"),
        ({"email": "a@example.com", "new_password": NEW}, "token"),
        ({"token": "orl_x"}, "new_password"),
    ],
)
def test_half_a_reset_is_refused_by_field(client, body, field):
    answer = client.post("/auth/password-reset/confirm", body)

    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]


def test_a_changed_password_keeps_this_login_and_ends_the_others(client):
    alice = make_login()
    other = make_login(alice.tenant, alice.user)
    body = {"current_password": PASSWORD, "new_password": NEW}

    answer = client.post("/auth/password-change", body, headers=bearer(alice))

    assert answer.status_code == 200
    assert client.get("/auth/me", headers=bearer(alice)).status_code == 200
    assert client.get("/auth/me", headers=bearer(other)).status_code == 401


def test_a_wrong_present_password_changes_nothing(client):
    alice = make_login()
    body = {"current_password": "wrong", "new_password": NEW}

    answer = client.post("/auth/password-change", body, headers=bearer(alice))

    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
    assert User.objects.get(pk=alice.user.pk).check_password(PASSWORD)


def test_anna1_no_public_answer_names_the_id_of_an_account(client):
    alice = make_user("alice", email_verified_at=timezone.now())
    code, _ = mailed(alice, LinkPurpose.RESET)
    taken = {"username": "alice", "email": alice.email, "password": "supersecret-7"}
    calls = [
        ("/auth/signup", taken),
        ("/auth/login", {"email": alice.email, "password": "wrong"}),
        ("/auth/resend-verification", {"email": alice.email}),
        ("/auth/password-reset", {"email": alice.email}),
        ("/auth/verify", {"email": alice.email, "code": code}),
    ]

    written = json.dumps([client.post(path, body).json() for path, body in calls])

    assert alice.public_id not in written


def test_b8_mail_is_asked_for_five_times_an_hour_whoever_it_is_for(client):
    statuses = [
        client.post("/auth/password-reset", {"email": "nobody@example.com"}).status_code
        for _ in range(6)
    ]

    assert statuses == [200] * 5 + [429]
    refused = client.post("/auth/password-reset", {"email": "nobody@example.com"})
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert not Mail.objects.exists()


@pytest.mark.parametrize(
    ("path", "more"),
    [("/auth/verify", {}), ("/auth/password-reset/confirm", {"new_password": NEW})],
)
@pytest.mark.parametrize("by", ["code", "link"])
def test_guesses_count_against_the_address_that_they_come_from(
    client, settings, path, more, by
):
    settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | {"code_address": "3/60"}

    def guess(number, **extra):
        shown = {"code": "123456", "email": f"nobody{number}@example.com"}
        body = shown if by == "code" else {"token": f"orl_{number}"}
        return client.post(path, body | more, **extra).status_code

    assert [guess(number) for number in range(5)] == [400] * 3 + [429] * 2
    assert guess(6, REMOTE_ADDR="192.0.2.1") == 400
