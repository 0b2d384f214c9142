"""Whatever is sent to `/auth`, the answer is a clear 4xx and nothing is stored."""

import json

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from rest_framework.test import APIClient

from accounts.models import Tenant, User

PATHS = ["/auth/signup", "/auth/login"]
GOOD = {"username": "alice", "email": "alice@example.com", "password": "supersecret-7"}
MIB = 1024 * 1024


def post(path, body, content_type="application/json", **extra):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    client = APIClient(raise_request_exception=False)
    return client.generic("POST", path, raw, content_type=content_type, **extra)


def nothing_is_stored():
    return not User.objects.exists() and not Tenant.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b"{bad",
        b"{}{}",
        b"\xff\xfe",
        b"\x00",
        b'{"email": NaN}',
        b'{"email": Infinity}',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
        b" ",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_not_json_is_400(path, body):
    answer = post(path, body)

    assert answer.status_code == 400
    assert answer.json()["code"] == "parse_error"
    assert nothing_is_stored()


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"", [], None, 1, "text", True, [GOOD]])
def test_what_is_not_an_object_is_400(path, body):
    answer = post(path, body)

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"
    assert nothing_is_stored()


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("field", ["email", "password"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        1.5,
        True,
        [],
        {},
        ["alice@example.com"],
        {"$ne": ""},
        {"a": {"b": {}}},
        "",
        "\x00",
        "a\x00b",
        "\ud800",
        "x" * 100_000,
    ],
    ids=lambda value: repr(value)[:16],
)
def test_a_wrong_value_is_400_and_names_the_field(path, field, value):
    answer = post(path, GOOD | {field: value})

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"
    assert list(answer.json()["fields"]) == [field]
    assert nothing_is_stored()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value",
    [None, 7, True, [], {}, "", "al", "x" * 41, "a b", "ali\u0441e", "a\x00\x00", "\ud800aa"],
    ids=repr,
)
def test_a_wrong_username_is_400_and_names_the_field(value):
    answer = post("/auth/signup", GOOD | {"username": value})

    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == ["username"]
    assert nothing_is_stored()


@pytest.mark.django_db
@pytest.mark.parametrize("field", list(GOOD))
def test_a_missing_field_is_400_and_named(field):
    answer = post("/auth/signup", {name: GOOD[name] for name in GOOD if name != field})

    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]
    assert nothing_is_stored()


@pytest.mark.django_db
@pytest.mark.parametrize("passkey", ["", "abc", 0, False, [], {}])
def test_b5_a_passkey_is_what_a_browser_made_or_null(passkey):
    """It was a text, stored as it came and never used."""
    answer = post("/auth/signup", GOOD | {"passkey": passkey})

    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == ["passkey"]
    assert nothing_is_stored()


@pytest.mark.django_db
@pytest.mark.parametrize("passkey", [{"id": "x"}, {"a": [{}]}, {"rawId": 1, "response": None}])
def test_b5_a_passkey_that_answers_no_challenge_is_refused_with_the_sign_up(passkey):
    answer = post("/auth/signup", GOOD | {"passkey": passkey})

    assert (answer.status_code, answer.json()["code"]) == (400, "passkey_refused")
    assert nothing_is_stored()


@pytest.mark.django_db
@pytest.mark.parametrize("extra", [{}, {"passkey": None}, {"is_staff": True, "id": 1}])
def test_null_for_a_passkey_and_unknown_fields_are_fine(extra):
    answer = post("/auth/signup", GOOD | extra)

    assert answer.status_code == 201
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser) == (False, False)


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"],
)
def test_what_is_not_called_json_is_415(path, content_type):
    answer = post(path, GOOD, content_type)

    assert answer.status_code == 415
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert nothing_is_stored()


@pytest.mark.django_db
@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "zlib", "hex", "rot13", "nonsense"])
def test_the_charset_is_utf_8_whatever_the_header_says(charset):
    answer = post("/auth/signup", GOOD, f"application/json; charset={charset}")

    assert answer.status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_a_body_over_two_mebibytes_is_413(path):
    fits = post(path, GOOD | {"note": "x" * (2 * MIB - 200)})
    too_large = post(path, GOOD | {"username": "bob", "note": "x" * 2 * MIB})

    assert fits.status_code in {201, 401}
    assert too_large.status_code == 413
    assert too_large.json()["code"] == "body_too_large"
    assert User.objects.filter(username="bob").count() == 0


PROOFS = ["/auth/verify", "/auth/password-reset/confirm", "/auth/login/second-factor"]
ANYWHERE = [*PATHS, *PROOFS, "/auth/password-reset", "/auth/resend-verification"]
_FIELDS = ("username", "email", "password", "passkey", "is_staff", "code", "token", "pending")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


class AnyJson(TestCase):
    """Random JSON, shaped like a sign-up or a login or not."""

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(ANYWHERE),
        st.fixed_dictionaries({}, optional=dict.fromkeys(_FIELDS, _JSON)) | _JSON,
    )
    def test_any_json_gets_a_clear_answer(self, path, body):
        wide = dict.fromkeys(django_settings.ORSTA_LIMITS, "100000/60")
        with self.settings(ORSTA_LIMITS=wide):
            answer = post(path, body)

        assert answer.status_code in {200, 201, 400, 401, 409}
        assert answer.status_code in {200, 201} or "error" in answer.json()
