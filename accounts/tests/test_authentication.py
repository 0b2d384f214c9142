"""Which credential decides, what a browser must prove, and what a scope opens."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Role, Tenant, TenantStatus
from accounts.principal import Principal, PrincipalKind
from accounts.services import keys, login
from accounts.tests.clients import bearer_of
from accounts.tests.factories import (
    make_api_key,
    make_login,
    make_member,
    make_service_key,
    make_tenant,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("accounts.tests.echo")]


@pytest.fixture
def client():
    return APIClient(enforce_csrf_checks=True)


def test_each_customer_credential_opens_the_door(client):
    alice = make_login()
    key = make_api_key(alice.tenant).text

    by_key = client.get("/echo", headers={"x-api-key": f" {key} "})
    by_bearer = client.get("/echo", headers=bearer_of(alice.token))
    by_bearer_key = client.get("/echo", headers={"Authorization": f"bearer  {key}"})
    client.cookies["orsta_session"] = alice.token
    by_cookie = client.get("/echo")

    answers = [by_key, by_bearer, by_bearer_key, by_cookie]
    assert [answer.status_code for answer in answers] == [200] * 4
    kinds = [answer.json()["kind"] for answer in answers]
    assert kinds == ["api_key", "login", "api_key", "login"]
    assert {answer.json()["tenant"] for answer in answers} == {alice.tenant.public_id}


def test_a_stale_cookie_never_shadows_a_good_bearer(client):
    """Fact B10."""
    alice, old = make_login(), make_login()
    login.log_out(token=old.token, now=timezone.now())
    client.cookies["orsta_session"] = old.token

    alone = client.get("/echo")
    beside_bearer = client.get("/echo", headers=bearer_of(alice.token))
    beside_key = client.get("/echo", headers={"x-api-key": make_api_key(alice.tenant).text})

    assert alone.status_code == 401
    assert beside_bearer.json()["tenant"] == alice.tenant.public_id
    assert beside_key.json()["tenant"] == alice.tenant.public_id


def test_the_first_credential_present_decides_and_a_bad_one_is_not_rescued(client):
    alice, bob = make_login(), make_login()
    key = make_api_key(alice.tenant).text
    client.cookies["orsta_session"] = bob.token

    key_over_bearer = client.get("/echo", headers=bearer_of(bob.token) | {"x-api-key": key})
    bad_key = client.get("/echo", headers=bearer_of(bob.token) | {"x-api-key": "wrong"})
    empty_key = client.get("/echo", headers=bearer_of(bob.token) | {"x-api-key": ""})
    bad_bearer = client.get("/echo", headers=bearer_of("wrong"))
    empty_bearer = client.get("/echo", headers={"Authorization": "Bearer"})

    assert key_over_bearer.json()["tenant"] == alice.tenant.public_id
    refused = [bad_key, empty_key, bad_bearer, empty_bearer]
    assert [answer.status_code for answer in refused] == [401] * 4
    assert [answer.json()["error"] for answer in refused] == [
        "invalid api key",
        "invalid api key",
        "Invalid credentials",
        "Invalid credentials",
    ]


def test_another_scheme_is_not_ours_to_judge(client):
    alice = make_login()
    client.cookies["orsta_session"] = alice.token

    answer = client.get("/echo", headers={"Authorization": "Basic YWxpY2U6c2VjcmV0"})

    assert answer.status_code == 200


def test_without_credentials_the_answer_is_401_with_a_challenge(client):
    answer = client.get("/echo")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="orsta"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_authenticated"
    assert answer.json()["detail"] == "x-api-key is required"
    assert client.get("/people").json()["detail"].startswith("Log in")


def test_an_inactive_key_is_told_how_to_get_active(client):
    tenant = make_tenant()
    text = make_api_key(tenant, active=False).text

    answers = [
        client.get("/echo", headers={"x-api-key": text}),
        client.get("/echo", headers=bearer_of(text)),
    ]

    for answer in answers:
        assert answer.status_code == 401
        assert answer.json()["code"] == "api_key_inactive"
        assert "POST /billing/enable-api-key" in answer.json()["error"]
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="orsta"'


def test_a_revoked_key_is_just_invalid(client):
    issued = make_api_key()
    assert client.get("/echo", headers={"x-api-key": issued.text}).status_code == 200

    keys.revoke(key=issued.row, now=timezone.now())

    answer = client.get("/echo", headers={"x-api-key": issued.text})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")


def test_an_expired_key_is_just_invalid(client):
    text = make_api_key(expires_at=timezone.now() - timedelta(seconds=1)).text

    answer = client.get("/echo", headers={"x-api-key": text})

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")


def test_a_suspended_tenants_key_is_told_so(client):
    issued = make_api_key()
    Tenant.objects.update(status=TenantStatus.SUSPENDED)

    answer = client.get("/echo", headers={"x-api-key": issued.text})

    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("192.0.2.7", 200),
        ("::ffff:192.0.2.7", 200),
        ("2001:db8::9", 200),
        ("192.0.3.7", 403),
        ("2001:db9::9", 403),
        ("", 403),
    ],
)
def test_a_key_works_from_its_networks_only(client, address, status):
    text = make_api_key(networks=["192.0.2.0/24", "2001:db8::/32"]).text

    by_header = client.get("/echo", headers={"x-api-key": text}, REMOTE_ADDR=address)
    by_bearer = client.get("/echo", headers=bearer_of(text), REMOTE_ADDR=address)

    assert (by_header.status_code, by_bearer.status_code) == (status, status)
    if status == 403:
        assert by_header.json()["code"] == "address_not_allowed"


def test_a_forwarded_address_is_believed_from_a_trusted_proxy_only(client, settings):
    """Fact G7."""
    text = make_api_key(networks=["192.0.2.7"]).text
    told = {"x-api-key": text, "X-Forwarded-For": "192.0.2.7"}

    by_anybody = client.get("/echo", headers=told, REMOTE_ADDR="10.0.0.1")
    settings.ORSTA_TRUSTED_PROXIES = ["10.0.0.0/8"]
    by_our_proxy = client.get("/echo", headers=told, REMOTE_ADDR="10.0.0.1")

    assert (by_anybody.status_code, by_our_proxy.status_code) == (403, 200)


def test_a_service_key_does_not_open_a_customers_door(client):
    text = make_service_key().text

    answers = [
        client.get("/echo", headers={"x-api-key": text}),
        client.get("/echo", headers=bearer_of(text)),
        client.get("/echo", headers={"x-internal-api-key": text}),
    ]

    assert [answer.status_code for answer in answers] == [401] * 3


def test_a_login_token_is_no_api_key(client):
    answer = client.get("/echo", headers={"x-api-key": make_login().token})

    assert answer.status_code == 401


def test_an_api_key_is_no_cookie(client):
    client.cookies["orsta_session"] = make_api_key().text

    assert client.get("/echo").status_code == 401


@pytest.mark.parametrize(
    "junk", ["\x00", "ork_\x00", "é" * 50, "ork_" + "a" * 60_000, "ort_a_b"]
)
def test_junk_credentials_are_401_and_never_500(client, junk):
    answers = [
        client.get("/echo", HTTP_X_API_KEY=junk),
        client.get("/echo", HTTP_AUTHORIZATION=f"Bearer {junk}"),
        client.get("/echo", HTTP_COOKIE=f"orsta_session={junk}"),
    ]

    assert {answer.status_code for answer in answers} == {401}


def test_a_scope_that_the_credential_lacks_is_403(client):
    headers = {"x-api-key": make_api_key(scopes=["messages:read"]).text}

    read = client.get("/echo", headers=headers)
    head = client.head("/echo", headers=headers)
    write = client.post("/echo", {}, headers=headers)

    assert (read.status_code, head.status_code, write.status_code) == (200, 200, 403)
    assert write.json()["code"] == "scope_missing"
    assert write.json()["scope"] == "messages:write"


def test_who_has_not_verified_the_address_is_told_to(client, settings):
    settings.ORSTA_REQUIRE_VERIFIED_EMAIL = True
    alice = make_login()
    viewer = make_login(alice.tenant, make_member(alice.tenant, role=Role.VIEWER))

    read = client.get("/echo", headers=bearer_of(alice.token))
    write = client.post("/echo", {}, headers=bearer_of(alice.token))
    by_viewer = client.post("/echo", {}, headers=bearer_of(viewer.token))

    assert (read.status_code, write.status_code) == (200, 403)
    assert write.json()["code"] == "email_not_verified"
    assert "Verify your e-mail address" in write.json()["error"]
    assert by_viewer.json()["code"] == "scope_missing"


def test_the_people_of_a_suspended_tenant_may_only_look(client):
    alice = make_login()
    Tenant.objects.update(status=TenantStatus.SUSPENDED)

    read = client.get("/echo", headers=bearer_of(alice.token))
    write = client.post("/echo", {}, headers=bearer_of(alice.token))

    assert (read.status_code, write.status_code) == (200, 403)
    assert write.json()["code"] == "tenant_suspended"


def test_an_operation_without_a_scope_is_open_to_nobody(client):
    answer = client.put("/echo", {}, headers=bearer_of(make_login().token))

    assert answer.status_code == 403


def test_a_method_that_the_view_lacks_is_405(client):
    answer = client.delete("/echo", headers=bearer_of(make_login().token))

    assert answer.status_code == 405


def test_an_operation_for_people_refuses_keys(client):
    alice = make_login()
    key = make_api_key(alice.tenant).text

    by_person = client.get("/people", headers=bearer_of(alice.token))
    by_key = client.get("/people", headers={"x-api-key": key})
    by_nobody = client.get("/people")

    assert (by_person.status_code, by_key.status_code, by_nobody.status_code) == (200, 403, 401)
    assert by_key.json()["code"] == "login_required"


def test_the_same_request_with_an_idempotency_key_is_answered_from_memory(client):
    headers = bearer_of(make_login().token) | {"Idempotency-Key": "k1"}

    first = client.post("/echo", {"a": 1}, headers=headers)
    second = client.post("/echo", {"a": 1}, headers=headers)

    assert first.json() == second.json() == {"made": {"a": 1}}
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"


def test_scopes_are_matched_whole():
    narrow = Principal(
        PrincipalKind.API_KEY, "key_1", make_tenant(), None, frozenset({"messages:read"})
    )

    assert narrow.allows("messages:read")
    assert not narrow.allows("messages:write")
    assert not narrow.allows("things")
