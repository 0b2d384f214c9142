"""Which credential decides, what a browser must prove, and what a scope opens."""

from typing import ClassVar

import pytest
from django.test import override_settings
from django.urls import path
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.api.base import TenantAPIView
from accounts.authentication import ApiKeyAuthentication
from accounts.permissions import HasPrincipal, HasScope, IsPerson
from accounts.principal import Principal, PrincipalKind
from accounts.services import keys, login
from accounts.tests.factories import make_api_key, make_login, make_service_key, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Echo(TenantAPIView):
    """Says who was let in; PUT was left without a scope by mistake."""

    required_scope: ClassVar = {"GET": "things:read", "POST": "things:write"}

    def get(self, request):
        return Response({"tenant": self.tenant.public_id, "kind": self.principal.kind})

    def post(self, request):
        return self.once(request, lambda: Response({"made": request.data}, 201))

    def put(self, request):
        raise AssertionError("never reached")


class PeopleOnly(Echo):
    permission_classes: ClassVar = [HasPrincipal, IsPerson, HasScope]


class NarrowKey(ApiKeyAuthentication):
    """Every key may only read things."""

    def authenticate(self, request):
        _, principal = super().authenticate(request)
        narrow = Principal(
            principal.kind,
            principal.credential_id,
            principal.tenant,
            principal.user,
            frozenset({"things:read"}),
        )
        return principal.user, narrow


class Narrow(Echo):
    authentication_classes: ClassVar = [NarrowKey]


urlpatterns = [
    path("echo", Echo.as_view()),
    path("people", PeopleOnly.as_view()),
    path("narrow", Narrow.as_view()),
]


@pytest.fixture
def client():
    return APIClient(enforce_csrf_checks=True)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_each_customer_credential_opens_the_door(client):
    alice = make_login()
    key = make_api_key(alice.tenant).text

    by_key = client.get("/echo", headers={"x-api-key": f" {key} "})
    by_bearer = client.get("/echo", headers=bearer(alice.token))
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
    beside_bearer = client.get("/echo", headers=bearer(alice.token))
    beside_key = client.get("/echo", headers={"x-api-key": make_api_key(alice.tenant).text})

    assert alone.status_code == 401
    assert beside_bearer.json()["tenant"] == alice.tenant.public_id
    assert beside_key.json()["tenant"] == alice.tenant.public_id


def test_the_first_credential_present_decides_and_a_bad_one_is_not_rescued(client):
    alice, bob = make_login(), make_login()
    key = make_api_key(alice.tenant).text
    client.cookies["orsta_session"] = bob.token

    key_over_bearer = client.get("/echo", headers=bearer(bob.token) | {"x-api-key": key})
    bad_key = client.get("/echo", headers=bearer(bob.token) | {"x-api-key": "wrong"})
    empty_key = client.get("/echo", headers=bearer(bob.token) | {"x-api-key": ""})
    bad_bearer = client.get("/echo", headers=bearer("wrong"))
    empty_bearer = client.get("/echo", headers={"Authorization": "Bearer"})

    assert key_over_bearer.json()["tenant"] == alice.tenant.public_id
    refused = [bad_key, empty_key, bad_bearer, empty_bearer]
    assert [answer.status_code for answer in refused] == [401] * 4
    assert {answer.json()["error"] for answer in refused} == {"Invalid credentials"}


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


def test_an_inactive_key_is_told_how_to_get_active(client):
    tenant = make_tenant()
    text = make_api_key(tenant, active=False).text

    answers = [
        client.get("/echo", headers={"x-api-key": text}),
        client.get("/echo", headers=bearer(text)),
    ]

    for answer in answers:
        assert answer.status_code == 401
        assert answer.json()["code"] == "api_key_inactive"
        assert "POST /billing/enable-api-key" in answer.json()["error"]
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="orsta"'


def test_a_revoked_key_is_just_invalid(client):
    tenant = make_tenant()
    text = make_api_key(tenant).text
    assert client.get("/echo", headers={"x-api-key": text}).status_code == 200

    keys.rotate(tenant=tenant, user=None, now=timezone.now())

    answer = client.get("/echo", headers={"x-api-key": text})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


def test_a_service_key_does_not_open_a_customers_door(client):
    text = make_service_key().text

    answers = [
        client.get("/echo", headers={"x-api-key": text}),
        client.get("/echo", headers=bearer(text)),
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


def test_a_cookie_alone_changes_nothing_without_a_csrf_token(client):
    """Fact B12: SameSite was the only guard."""
    client.cookies["orsta_session"] = make_login().token

    answer = client.post("/echo", {"a": 1})

    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "csrf_failed"


def test_the_csrf_check_comes_before_the_body_is_read(client):
    client.cookies["orsta_session"] = make_login().token

    answer = client.post("/echo", b"{bad", content_type="application/json")

    assert answer.json()["code"] == "csrf_failed"


def test_a_cookie_with_the_csrf_token_of_the_sign_up_may_change_things(client):
    with override_settings(ROOT_URLCONF="orsta.urls"):
        client.post(
            "/auth/signup",
            {"username": "alice", "email": "a@example.com", "password": "supersecret-7"},
        )
    token = client.cookies["csrftoken"].value

    good = client.post("/echo", {"a": 1}, headers={"X-CSRFToken": token})
    wrong = client.post("/echo", {"a": 1}, headers={"X-CSRFToken": token[::-1]})

    assert (good.status_code, good.json()) == (201, {"made": {"a": 1}})
    assert wrong.status_code == 403


def test_a_csrf_token_from_a_foreign_origin_is_refused(client):
    client.cookies["orsta_session"] = make_login().token
    token = "t" * 32
    client.cookies["csrftoken"] = token

    foreign = {"X-CSRFToken": token, "Origin": "http://evil.example"}
    own = {"X-CSRFToken": token, "Origin": "http://testserver"}

    assert client.post("/echo", {}, headers=foreign).status_code == 403
    assert client.post("/echo", {}, headers=own).status_code == 201


def test_reading_by_cookie_needs_no_csrf_token(client):
    client.cookies["orsta_session"] = make_login().token

    assert client.get("/echo").status_code == 200


def test_keys_and_tokens_need_no_csrf_token_even_beside_a_cookie(client):
    alice = make_login()
    client.cookies["orsta_session"] = alice.token

    answers = [
        client.post("/echo", {}, headers=bearer(alice.token)),
        client.post("/echo", {}, headers={"x-api-key": make_api_key(alice.tenant).text}),
    ]

    assert [answer.status_code for answer in answers] == [201, 201]


def test_a_scope_that_the_credential_lacks_is_403(client):
    headers = {"x-api-key": make_api_key().text}

    read = client.get("/narrow", headers=headers)
    head = client.head("/narrow", headers=headers)
    write = client.post("/narrow", {}, headers=headers)

    assert (read.status_code, head.status_code, write.status_code) == (200, 200, 403)
    assert write.json()["code"] == "scope_missing"
    assert write.json()["scope"] == "things:write"


def test_an_operation_without_a_scope_is_open_to_nobody(client):
    answer = client.put("/echo", {}, headers=bearer(make_login().token))

    assert answer.status_code == 403


def test_a_method_that_the_view_lacks_is_405(client):
    answer = client.delete("/echo", headers=bearer(make_login().token))

    assert answer.status_code == 405


def test_an_operation_for_people_refuses_keys(client):
    alice = make_login()
    key = make_api_key(alice.tenant).text

    by_person = client.get("/people", headers=bearer(alice.token))
    by_key = client.get("/people", headers={"x-api-key": key})
    by_nobody = client.get("/people")

    assert (by_person.status_code, by_key.status_code, by_nobody.status_code) == (200, 403, 401)
    assert by_key.json()["code"] == "login_required"


def test_the_same_request_with_an_idempotency_key_is_answered_from_memory(client):
    headers = bearer(make_login().token) | {"Idempotency-Key": "k1"}

    first = client.post("/echo", {"a": 1}, headers=headers)
    second = client.post("/echo", {"a": 1}, headers=headers)

    assert first.json() == second.json() == {"made": {"a": 1}}
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"


def test_scopes_are_matched_whole():
    narrow = Principal(
        PrincipalKind.API_KEY, "key_1", make_tenant(), None, frozenset({"things:read"})
    )

    assert narrow.allows("things:read")
    assert not narrow.allows("things:write")
    assert not narrow.allows("things")
