"""`/v1/api-keys`, as a customer's people use it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey, AuditEntry, Role
from accounts.tests.clients import api_of
from accounts.tests.factories import make_api_key, make_login, make_member
from accounts.tests.key_probes import SESSION
from orsta.core.api.models import IdempotencyRecord

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_login()


def member_of(tenant, role):
    return api_of(make_login(tenant, make_member(tenant, role=role)))


def probe(text, path="/auth/me", **options):
    return APIClient(headers={"x-api-key": text}).get(path, **options).status_code


def test_a_key_is_made_with_limits_and_shown_once(alice):
    client = api_of(alice)
    ends = timezone.now() + timedelta(days=30)
    body = {
        "name": "shop",
        "scopes": ["messages:write", "account:read"],
        "session_ids": [SESSION],
        "networks": ["127.0.0.0/8"],
        "expires_at": ends.isoformat(),
    }

    made = client.post("/v1/api-keys", body)

    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    text, key = made.json()["api_key"], made.json()["key"]
    row = ApiKey.objects.get()
    assert key == {
        "id": row.public_id,
        "name": "shop",
        "masked": f"ork_{row.key_id}_••••{text[-4:]}",
        "state": "LIVING",
        "active": False,
        "scopes": ["account:read", "messages:write"],
        "session_ids": [SESSION],
        "networks": ["127.0.0.0/8"],
        "created_by": alice.user.public_id,
        "created_at": key["created_at"],
        "last_used_at": None,
        "expires_at": key["expires_at"],
        "revoked_at": None,
        "replaced_by": "",
    }
    again = client.get(f"/v1/api-keys/{row.public_id}")
    assert again.json() == {"key": key}
    assert text not in again.content.decode() + client.get("/v1/api-keys").content.decode()


def test_a_key_that_was_made_opens_what_it_was_made_for(alice):
    make_api_key(alice.tenant)
    body = {"name": "look", "scopes": ["account:read"], "networks": ["127.0.0.1"]}

    text = api_of(alice).post("/v1/api-keys", body).json()["api_key"]

    assert probe(text) == 200
    assert probe(text, REMOTE_ADDR="192.0.2.1") == 403
    assert probe(text, "/v1/sessions") == 403


def test_o5_the_answer_to_a_repeated_request_has_no_key(alice):
    client = api_of(alice)
    headers = {"Idempotency-Key": "once"}

    first = client.post("/v1/api-keys", {"name": "shop"}, headers=headers)
    second = client.post("/v1/api-keys", {"name": "shop"}, headers=headers)

    assert first.json()["api_key"]
    assert (second.status_code, second.json()["api_key"]) == (201, "")
    assert second.json()["key"] == first.json()["key"]
    assert ApiKey.objects.count() == 1
    assert first.json()["api_key"] not in str(IdempotencyRecord.objects.values().get())


def test_without_scopes_a_key_gets_all_that_its_maker_can_give(alice):
    by_owner = api_of(alice).post("/v1/api-keys", {"name": "a"}).json()["key"]
    developer = member_of(alice.tenant, Role.DEVELOPER)
    by_developer = developer.post("/v1/api-keys", {"name": "b"}).json()["key"]

    assert by_owner["scopes"] == ["*"]
    assert "messages:write" in by_developer["scopes"]
    assert "audit:read" not in by_developer["scopes"]


def test_nobody_gives_a_key_more_than_they_have(alice):
    strong = make_api_key(alice.tenant).row
    developer = member_of(alice.tenant, Role.DEVELOPER)

    answers = [
        developer.post("/v1/api-keys", {"name": "x", "scopes": ["*"]}),
        developer.patch(f"/v1/api-keys/{strong.public_id}", {"scopes": ["*"]}),
        developer.post(f"/v1/api-keys/{strong.public_id}/rotate", {}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert {answer.json()["code"] for answer in answers} == {"scope_not_yours"}
    assert answers[0].json()["scopes"] == ["audit:read"]
    assert ApiKey.objects.get() == strong


@pytest.mark.parametrize(
    ("role", "read", "write"),
    [
        (Role.ADMIN, 200, 201),
        (Role.DEVELOPER, 200, 201),
        (Role.BILLING, 403, 403),
        (Role.VIEWER, 403, 403),
    ],
)
def test_only_who_may_manages_keys(alice, role, read, write):
    client = member_of(alice.tenant, role)

    assert client.get("/v1/api-keys").status_code == read
    assert client.post("/v1/api-keys", {"name": "x"}).status_code == write


def test_a_key_manages_no_keys(alice):
    text = make_api_key(alice.tenant).text
    program = APIClient(headers={"x-api-key": text})

    answers = [program.get("/v1/api-keys"), program.post("/v1/api-keys", {"name": "x"})]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert {answer.json()["code"] for answer in answers} == {"login_required"}


def test_a_name_and_limits_change_and_the_rest_stays(alice):
    issued = make_api_key(alice.tenant, name="old", networks=["127.0.0.1"])
    path = f"/v1/api-keys/{issued.row.public_id}"
    assert probe(issued.text) == 200

    changed = api_of(alice).patch(path, {"name": "new", "scopes": ["messages:read"]})

    assert changed.status_code == 200
    key = changed.json()["key"]
    assert (key["name"], key["scopes"]) == ("new", ["messages:read"])
    assert key["networks"] == ["127.0.0.1/32"]
    assert probe(issued.text) == 403
    assert AuditEntry.objects.get(action="api_key.changed").actor == alice.user.public_id


def test_an_expiry_is_set_and_taken_away(alice):
    issued = make_api_key(alice.tenant)
    client, path = api_of(alice), f"/v1/api-keys/{issued.row.public_id}"
    ends = (timezone.now() + timedelta(days=1)).isoformat()

    limited = client.patch(path, {"expires_at": ends})
    unlimited = client.patch(path, {"expires_at": None})

    assert limited.json()["key"]["expires_at"]
    assert unlimited.json()["key"]["expires_at"] is None


def test_a_revoked_key_opens_nothing_and_stays_in_sight(alice):
    issued = make_api_key(alice.tenant)
    client, path = api_of(alice), f"/v1/api-keys/{issued.row.public_id}"
    assert probe(issued.text) == 200

    first, second = client.delete(path), client.delete(path)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["key"]["state"] == "REVOKED"
    assert second.json() == first.json()
    assert probe(issued.text) == 401
    assert client.get("/v1/api-keys").json()["keys"] == []
    revoked = client.get("/v1/api-keys", {"state": "REVOKED"}).json()["keys"]
    assert [key["id"] for key in revoked] == [issued.row.public_id]


def test_both_keys_work_during_the_overlap(alice):
    old = make_api_key(alice.tenant, name="shop")
    client = api_of(alice)

    rotated = client.post(f"/v1/api-keys/{old.row.public_id}/rotate", {"overlap_hours": 24})

    assert rotated.status_code == 201
    new = rotated.json()
    assert (probe(old.text), probe(new["api_key"])) == (200, 200)
    ending = client.get(f"/v1/api-keys/{old.row.public_id}").json()["key"]
    assert (ending["state"], ending["replaced_by"]) == ("ENDING", new["key"]["id"])
    assert new["key"]["name"] == "shop"


def test_a_rotation_without_overlap_ends_the_old_key(alice):
    old = make_api_key(alice.tenant)

    rotated = api_of(alice).post(f"/v1/api-keys/{old.row.public_id}/rotate", {})

    assert (probe(old.text), probe(rotated.json()["api_key"])) == (401, 200)


@pytest.mark.parametrize("hours", [-1, 169, "x", None])
def test_an_overlap_is_at_most_seven_days(alice, hours):
    old = make_api_key(alice.tenant)

    answer = api_of(alice).post(
        f"/v1/api-keys/{old.row.public_id}/rotate", {"overlap_hours": hours}
    )

    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == ["overlap_hours"]
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", 7),
        ("name", "x" * 81),
        ("scopes", ["tenant:delete"]),
        ("scopes", "messages:read"),
        ("scopes", []),
        ("session_ids", ["nope"]),
        ("networks", ["example.com"]),
        ("expires_at", "2020-01-01T00:00:00Z"),
        ("expires_at", "soon"),
    ],
)
def test_input_that_makes_no_sense_is_named(alice, field, value):
    answer = api_of(alice).post("/v1/api-keys", {"name": "x", field: value})

    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]
    assert not ApiKey.objects.exists()


def test_another_tenants_key_does_not_exist(alice):
    theirs = make_api_key().row
    client, path = api_of(alice), f"/v1/api-keys/{theirs.public_id}"
    unknown = client.get("/v1/api-keys/key_00000000000000000000000000")

    answers = [
        client.get(path),
        client.patch(path, {"name": "mine"}),
        client.delete(path),
        client.post(f"{path}/rotate", {}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert {answer.json()["code"] for answer in answers} == {unknown.json()["code"]}
    assert ApiKey.objects.get() == theirs


STATES = {"living", "ending", "expired", "revoked"}
