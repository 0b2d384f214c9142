"""How many requests a program, a person, a sibling service and a stranger may make."""

from typing import ClassVar

import pytest
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.api import throttling
from accounts.api.base import PublicAPIView, ServiceAPIView, TenantAPIView
from accounts.tests.factories import make_api_key, make_login, make_service_key, make_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Things(TenantAPIView):
    required_scope: ClassVar = {
        "GET": "sessions:read",
        "POST": "sessions:write",
        "PUT": "no:one",
    }
    route_class: ClassVar = {"PUT": "send"}

    def get(self, request):
        return Response({})

    def post(self, request):
        return Response({}, 201)

    def put(self, request):
        raise AssertionError("nobody has the scope")


class Sibling(ServiceAPIView):
    def get(self, request):
        return Response({})


class Anybody(PublicAPIView):
    def get(self, request):
        return Response({})


urlpatterns = [
    path("things", Things.as_view()),
    path("internal/things", Sibling.as_view()),
    path("public", Anybody.as_view()),
    path("", include("orsta.urls")),
]


@pytest.fixture
def client():
    return APIClient()


@pytest.fixture
def small(settings):
    """Make every limit small enough to be reached."""

    def set_(**changes):
        settings.ORSTA_LIMITS = settings.ORSTA_LIMITS | changes

    return set_


def by_key(key):
    return {"x-api-key": key.text}


def statuses(client, count, method="get", path_="/things", **options):
    return [getattr(client, method)(path_, **options).status_code for _ in range(count)]


def test_a_program_has_120_requests_a_minute_of_each_class(client, small):
    small(standard_spam="1000/10/600")
    headers = by_key(make_api_key())

    assert statuses(client, 121, headers=headers) == [200] * 120 + [429]
    assert client.post("/things", headers=headers).status_code == 201


def test_the_answer_says_what_is_left_and_what_there_is(client):
    answer = client.get("/things", headers=by_key(make_api_key()))

    assert answer.headers["RateLimit-Policy"] == (
        '"standard_read";q=120;w=60, "standard_tenant";q=600;w=60, "standard_spam";q=40;w=10'
    )
    assert answer.headers["RateLimit"] == (
        '"standard_read";r=119;t=60, "standard_tenant";r=599;t=60, "standard_spam";r=39;t=10'
    )


def test_g7_a_refusal_says_when_to_come_back(client, small):
    small(standard_read="1/60")
    headers = by_key(make_api_key())
    client.get("/things", headers=headers)

    answer = client.get("/things", headers=headers)

    assert answer.status_code == 429
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "rate_limited"
    assert answer.json()["detail"] == "Rate limit exceeded. Please try again in 60 seconds."
    assert answer.headers["Retry-After"] == "60"
    assert '"standard_read";r=0;t=60' in answer.headers["RateLimit"]


def test_more_than_40_requests_in_10_seconds_block_a_key_for_10_minutes(client):
    key = make_api_key()

    assert statuses(client, 41, headers=by_key(key)) == [200] * 40 + [429]
    answer = client.post("/things", headers=by_key(key))
    assert (answer.status_code, answer.json()["code"]) == (429, "spam_blocked")
    assert answer.headers["Retry-After"] == "600"
    assert answer.json()["detail"].startswith("Spam detected: blocked for 10 minutes.")


def test_g7_a_blocked_key_blocks_nobody_else(client):
    tenant = make_tenant()
    wild, calm, person = make_api_key(tenant), make_api_key(), make_login(tenant)
    statuses(client, 41, headers=by_key(wild))

    assert client.get("/things", headers=by_key(calm)).status_code == 200
    bearer = {"authorization": f"Bearer {person.token}"}
    assert client.get("/things", headers=bearer).status_code == 200


def test_g7_no_header_makes_a_key_somebody_else(client, small):
    small(standard_read="1/60")
    headers = by_key(make_api_key())

    answers = [
        client.get("/things", headers=headers | {"X-Forwarded-For": f"203.0.113.{number}"})
        for number in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 429]


def test_a_tenants_logins_share_what_the_tenant_has(client, small):
    small(person_tenant="2/60")
    first = make_login()
    second = make_login(first.tenant, first.user)

    answers = [
        client.get("/things", headers={"authorization": f"Bearer {login.token}"}).status_code
        for login in (first, second, first)
    ]

    assert answers == [200, 200, 429]


def test_people_have_more_room_and_are_never_blocked(client):
    bearer = {"authorization": f"Bearer {make_login().token}"}

    assert statuses(client, 60, headers=bearer) == [200] * 60
    assert '"person_read";r=539' in client.get("/things", headers=bearer).headers["RateLimit"]


def test_the_plan_says_how_wide_a_tenants_programs_may_go(client, monkeypatch):
    key = make_api_key()
    monkeypatch.setattr(
        throttling._Hook,
        "rate_class_of",
        staticmethod(lambda tenant: "PLUS" if tenant == key.row.tenant else "STANDARD"),
    )

    plus = client.get("/things", headers=by_key(key))
    standard = client.get("/things", headers=by_key(make_api_key()))

    assert plus.headers["RateLimit-Policy"].startswith('"plus_read";q=600;w=60')
    assert standard.headers["RateLimit-Policy"].startswith('"standard_read";q=120;w=60')


def test_what_is_not_allowed_counts_too(client, small):
    small(standard_send="1/60")
    headers = by_key(make_api_key())

    assert statuses(client, 2, "put", headers=headers) == [403, 429]


def test_g7_sibling_services_are_counted_too(client, small):
    small(service_read="2/60")
    one, other = make_service_key(), make_service_key()
    headers = {"x-internal-api-key": one.text}

    assert statuses(client, 3, path_="/internal/things", headers=headers) == [200, 200, 429]
    headers = {"x-internal-api-key": other.text}
    assert client.get("/internal/things", headers=headers).status_code == 200


def test_whoever_says_not_who_it_is_counts_by_address(client, small):
    small(public_address="1/60")

    assert statuses(client, 2, path_="/public") == [200, 429]
    assert client.get("/public", REMOTE_ADDR="192.0.2.1").status_code == 200


@pytest.mark.parametrize("path_", ["/things", "/internal/things"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": "ork_x", "x-internal-api-key": "ors_x"},
        {"authorization": "Bearer x"},
    ],
)
def test_bad_credentials_count_against_their_address(client, small, path_, headers):
    small(refused_address="2/60")

    assert statuses(client, 3, path_=path_, headers=headers) == [401, 401, 429]
    answer = client.get(path_, headers=headers)
    assert answer.headers["Retry-After"] == "60"
    assert answer.headers["RateLimit"] == '"refused_address";r=0;t=60'
    assert client.get(path_, headers=headers, REMOTE_ADDR="192.0.2.1").status_code == 401


def test_g7_a_neighbor_who_guesses_locks_nobody_out(client, small):
    small(refused_address="1/60")
    key = make_api_key()
    statuses(client, 3, headers={"x-api-key": "ork_x"})

    assert client.get("/things", headers=by_key(key)).status_code == 200


@pytest.mark.usefixtures("no_redis")
def test_without_redis_reads_and_writes_go_on_uncounted(client, small):
    small(standard_read="1/60", standard_write="1/60", refused_address="1/60")
    headers = by_key(make_api_key())

    assert statuses(client, 3, headers=headers) == [200] * 3
    assert statuses(client, 3, "post", headers=headers) == [201] * 3
    assert statuses(client, 3, headers={"x-api-key": "ork_x"}) == [401] * 3
    assert "RateLimit" not in client.get("/things", headers=headers).headers


@pytest.mark.usefixtures("no_redis")
def test_b8_without_redis_nobody_logs_in(client):
    login = make_login()

    answer = client.post(
        "/auth/login", {"email": login.user.email, "password": "correct horse battery"}
    )

    assert (answer.status_code, answer.json()["code"]) == (503, "limiter_away")
    assert answer.headers["Retry-After"] == "2"


def test_b8_guessing_a_password_ends_after_ten_attempts(client):
    login = make_login()
    guess = {"email": login.user.email, "password": "wrong horse battery"}

    answers = [
        client.post("/auth/login", guess, REMOTE_ADDR=f"192.0.2.{number}")
        for number in range(11)
    ]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 900


def test_b8_guessing_many_peoples_passwords_ends_after_fifty(client):
    answers = [
        client.post("/auth/login", {"email": f"p{number}@example.com", "password": "x"})
        for number in range(51)
    ]

    assert [answer.status_code for answer in answers] == [401] * 50 + [429]
