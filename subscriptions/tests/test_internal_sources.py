"""A service touches its own users alone; a key of every service says which one it means."""

import pytest

from accounts.models import Tenant, TenantStatus
from subscriptions.tests.internal import FUTURE, USERS, Service, contract, key_opens

pytestmark = pytest.mark.django_db


def test_a_global_key_has_to_say_whose_user_it_makes():
    answer = Service("").post(body=contract())

    assert (answer.status_code, answer.json()["code"]) == (400, "source_required")


def test_g4_a_scoped_key_cannot_take_over_another_services_user():
    victim, attacker = Service("victim"), Service("attacker")
    key = victim.bring("usr_1", max_sessions=5).json()["api_key"]

    named = attacker.post(body=contract("usr_1", source="victim"))
    own = attacker.bring("usr_1", max_sessions=99)
    rotated = attacker.post(f"{USERS}/usr_1/apikey/rotate")

    assert (named.status_code, named.json()["code"]) == (403, "foreign_source")
    assert own.json()["api_key"] not in {"", key}  # a user of its own of the same name
    assert rotated.status_code == 200
    assert key_opens(key) == 200
    shown = victim.get(f"{USERS}/usr_1").json()["user"]
    assert (shown["source_service"], shown["subscription"]["max_sessions"]) == ("victim", 5)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "", None),
        ("put", "", {"expires_at": FUTURE}),
        ("delete", "", None),
        ("get", "/apikey", None),
        ("post", "/apikey/rotate", {}),
        ("post", "/suspend", {}),
        ("post", "/resume", {}),
        ("get", "/usage", None),
        ("get", "/sessions", None),
        ("post", "/sessions", {"session_name": "x"}),
    ],
)
def test_g4_another_services_user_is_as_unknown_as_any(method, path, body):
    Service("victim").bring("usr_1")
    attacker = Service("attacker")
    arguments = [body] if method in {"put", "post"} else []

    foreign = getattr(attacker, method)(f"{USERS}/usr_1{path}", *arguments)
    unknown = getattr(attacker, method)(f"{USERS}/nobody{path}", *arguments)

    answers = [foreign.json(), unknown.json()]
    for answer in answers:
        del answer["trace_id"]
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "user_not_found"
    assert Tenant.objects.get().status == TenantStatus.ACTIVE


def test_g4_a_put_cannot_move_a_user_to_another_service():
    Service("app").bring("usr_1")

    answer = Service("").put(f"{USERS}/usr_1", {"source": "other", "expires_at": FUTURE})
    bound = Service("app").put(f"{USERS}/usr_1", {"source": "other", "expires_at": FUTURE})

    assert (answer.status_code, bound.status_code) == (404, 403)
    assert Tenant.objects.get().source == "app"


def test_g4_a_global_key_has_to_name_one_of_two_users_of_the_same_id():
    Service("app").bring("usr_1")
    Service("other").bring("usr_1")
    everybody = Service("")

    unnamed = everybody.get(f"{USERS}/usr_1")
    named = everybody.get(f"{USERS}/usr_1", source="other")

    assert (unnamed.status_code, unnamed.json()["code"]) == (409, "ambiguous_user")
    assert named.json()["user"]["source_service"] == "other"


@pytest.mark.parametrize("path", ["", "/apikey"])
def test_g5_an_unknown_user_is_404_for_a_global_key_too(path):
    assert Service("").get(f"{USERS}/nobody{path}").status_code == 404


def test_vector_8_me_says_whether_the_key_is_bound():
    assert Service("app").get("/internal/me").json() == {
        "auth": {"mode": "scoped", "source_service": "app"}
    }
    assert Service("").get("/internal/me").json() == {
        "auth": {"mode": "global", "source_service": ""}
    }
