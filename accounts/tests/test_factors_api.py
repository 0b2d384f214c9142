"""`/auth/totp`, `/auth/recovery-codes` and `/auth/passkeys` over HTTP."""

import json

import pyotp
import pytest
from rest_framework.test import APIClient

from accounts import authentication
from accounts.models import LoginSession, Passkey, TotpDevice
from accounts.tests.authenticator import Authenticator
from accounts.tests.clients import api_of
from accounts.tests.factories import PASSWORD, make_api_key, make_login, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("domain")]


@pytest.fixture
def alice():
    """Alice's program, with her login."""
    login = make_login()
    client = api_of(login)
    client.person = login.user
    return client


def add_passkey(alice, device, name="Phone"):
    options = alice.post("/auth/passkeys/options").json()
    return alice.post("/auth/passkeys", {"name": name, "credential": device.create(options)})


def test_an_app_is_set_up_and_removed(alice):
    enrolment = alice.post("/auth/totp")
    secret = enrolment.json()["secret"]
    assert enrolment.status_code == 201
    assert "no-store" in enrolment.headers["Cache-Control"]
    assert enrolment.json()["qr"].startswith("data:image/svg+xml")
    assert f"secret={secret}" in enrolment.json()["uri"]

    confirmed = alice.post("/auth/totp/confirm", {"code": pyotp.TOTP(secret).now()})
    assert confirmed.status_code == 200
    assert len(confirmed.json()["recovery_codes"]) == 10
    assert alice.post("/auth/totp").json()["code"] == "totp_enabled"

    replaced = alice.post("/auth/recovery-codes", {"password": PASSWORD})
    (code, *_) = replaced.json()["recovery_codes"]
    assert alice.delete("/auth/totp", {"code": code}).status_code == 204
    assert not TotpDevice.objects.exists()


def test_a_wrong_first_code_is_invalid_input(alice):
    alice.post("/auth/totp")

    answer = alice.post("/auth/totp/confirm", {"code": "12"})

    assert (answer.status_code, answer.json()["code"]) == (400, "totp_mismatch")
    assert list(answer.json()["fields"]) == ["code"]


@pytest.mark.parametrize("proof", [{}, {"code": "1", "password": PASSWORD}])
def test_the_proof_is_either_a_code_or_the_password(alice, proof):
    assert alice.delete("/auth/totp", proof).status_code == 400


def test_a_wrong_proof_is_refused_without_ending_the_login(alice):
    secret = alice.post("/auth/totp").json()["secret"]
    alice.post("/auth/totp/confirm", {"code": pyotp.TOTP(secret).now()})

    answer = alice.delete("/auth/totp", {"password": "wrong"})

    assert (answer.status_code, answer.json()["code"]) == (403, "not_proven")
    assert TotpDevice.objects.exists()


def test_a_passkey_logs_in_with_the_shape_and_the_cookies_of_a_login(alice):
    device, guest = Authenticator(), APIClient()
    assert add_passkey(alice, device).status_code == 201

    options = guest.post("/auth/passkeys/login/options").json()
    answer = guest.post("/auth/passkeys/login", {"credential": device.get(options)})

    assert answer.status_code == 200
    assert answer.json()["user_id"] == alice.person.public_id
    assert answer.json()["token"].startswith("ort_")
    assert answer.cookies[authentication.COOKIE]["httponly"]
    assert "orsta_refresh" in answer.cookies
    me = APIClient(headers={"Authorization": f"Bearer {answer.json()['token']}"}).get(
        "/auth/me"
    )
    assert me.json()["user_id"] == alice.person.public_id


def test_passkeys_are_listed_without_their_keys_and_removed(alice):
    device = Authenticator()
    passkey_id = add_passkey(alice, device, "My phone").json()["id"]

    (listed,) = alice.get("/auth/passkeys").json()
    assert (listed["id"], listed["name"]) == (passkey_id, "My phone")
    assert set(listed) == {"id", "name", "created_at", "last_used_at"}

    stranger = make_login()
    other = APIClient(headers={"Authorization": f"Bearer {stranger.token}"})
    assert other.get("/auth/passkeys").json() == []
    assert other.delete(f"/auth/passkeys/{passkey_id}").status_code == 404
    assert alice.delete(f"/auth/passkeys/{passkey_id}").status_code == 204
    assert not Passkey.objects.exists()


def test_garbage_logs_nobody_in():
    answer = APIClient().post("/auth/passkeys/login", {"credential": {"id": "x"}})

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_passkey")
    assert not LoginSession.objects.exists()


def test_a_program_has_no_factors(alice):
    key = make_api_key()
    program = APIClient(headers={"x-api-key": key.text})

    for path in ("/auth/totp", "/auth/totp/confirm", "/auth/recovery-codes", "/auth/passkeys"):
        assert program.post(path).json()["code"] == "login_required"


def test_signing_up_with_a_passkey():
    guest, device = APIClient(), Authenticator()
    person = {"username": "alice", "email": "alice@example.com"}
    options = guest.post("/auth/passkeys/signup-options", person).json()
    form = {**person, "password": "supersecret-7", "passkey": device.create(options)}

    assert guest.post("/auth/signup", form).status_code == 201

    options = guest.post("/auth/passkeys/login/options").json()
    answer = guest.post("/auth/passkeys/login", {"credential": device.get(options)})
    assert answer.json()["username"] == "alice"


def test_a_sign_up_whose_passkey_is_refused_creates_nobody():
    guest = APIClient()
    person = {"username": "alice", "email": "alice@example.com"}
    options = guest.post(
        "/auth/passkeys/signup-options", {**person, "email": "bob@example.com"}
    ).json()
    form = {**person, "password": "supersecret-7", "passkey": Authenticator().create(options)}

    answer = guest.post("/auth/signup", form)

    assert (answer.status_code, answer.json()["code"]) == (400, "passkey_refused")
    assert not Passkey.objects.exists()
    assert guest.post("/auth/signup", {**form, "passkey": None}).status_code == 201


def test_a_login_with_a_password_goes_on_with_a_passkey(alice):
    device, guest = Authenticator(), APIClient()
    add_passkey(alice, device)
    secret = alice.post("/auth/totp").json()["secret"]
    alice.post("/auth/totp/confirm", {"code": pyotp.TOTP(secret).now()})

    refused = guest.post("/auth/login", {"email": alice.person.email, "password": PASSWORD})
    assert refused.status_code == 401
    assert refused.json()["methods"] == ["totp", "recovery_code", "passkey"]
    options = guest.post("/auth/passkeys/login/options").json()
    step = {"pending": refused.json()["pending"], "passkey": device.get(options)}

    assert guest.post("/auth/login/second-factor", step).status_code == 200
    assert guest.post("/auth/login/second-factor", step).status_code == 401


def test_without_a_domain_passkeys_say_so(settings):
    settings.ORSTA_PUBLIC_URL = "http://127.0.0.1:8000"

    answer = APIClient().post("/auth/passkeys/login/options")

    assert (answer.status_code, answer.json()["code"]) == (409, "passkeys_unavailable")


def test_nobody_learns_from_login_options_who_has_a_passkey(alice):
    add_passkey(alice, Authenticator())

    options = APIClient().post("/auth/passkeys/login/options").json()["publicKey"]

    assert not options.get("allowCredentials")
    assert alice.person.email not in json.dumps(options)
    assert make_user().email not in json.dumps(options)
