"""`/internal/users`, as sibling services use it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry, Tenant, TenantStatus
from accounts.tests.factories import make_tenant
from orsta.core.outbox.models import OutboxEvent
from subscriptions.models import Subscription
from subscriptions.tests.internal import FUTURE, USERS, Service, contract, key_opens

pytestmark = pytest.mark.django_db


def test_a_new_user_gets_a_key_that_works_and_is_shown_once():
    service = Service()

    first, second = service.bring(), service.bring(max_sessions=7)

    assert (first.status_code, second.status_code) == (200, 200)
    assert set(first.json()) == {"user_id", "api_key", "note"}
    assert first.json()["user_id"] == "usr_1"
    assert key_opens(first.json()["api_key"]) == 200
    assert second.json()["api_key"] == ""
    assert Tenant.objects.count() == 1
    assert ApiKey.objects.count() == 1
    assert service.get(f"{USERS}/usr_1").json()["user"]["subscription"]["max_sessions"] == 7


def test_the_key_of_a_new_user_is_in_no_event_and_no_audit_entry():
    text = Service().bring().json()["api_key"]

    kept = [*AuditEntry.objects.values_list("detail", "after", "before")]
    kept += OutboxEvent.objects.values_list("payload", flat=True)

    assert text[16:] not in str(kept)


def test_a_user_is_shown_in_the_shape_of_the_first_api():
    service = Service()
    service.bring(max_messages=100, provider="genfity-wa", created_by="admin")

    item = service.get().json()["items"][0]

    assert {name: item[name] for name in ("user_id", "source_service", "status")} == {
        "user_id": "usr_1",
        "source_service": "app",
        "status": "active",
    }
    assert item["created_by"] == "admin"
    assert item["session_count"] == 0
    assert item["subscription"] == {
        "provider": "genfity-wa",
        "status": "active",
        "expires_at": FUTURE,
        "max_sessions": 5,
        "max_messages": 100,
    }


@pytest.mark.parametrize(
    ("query", "page", "limit"),
    [
        ({"limit": "1000", "page": "abc"}, 1, 100),
        ({"limit": "-1", "page": "0"}, 1, 20),
        ({"limit": "", "page": "9" * 40}, 1, 20),
        ({"limit": "2", "page": "2"}, 2, 2),
        ({"limit": "٣", "page": "1.5"}, 1, 20),
        ({}, 1, 20),
    ],
)
def test_bad_pages_and_limits_become_the_defaults(query, page, limit):
    meta = Service().get(**query).json()["meta"]

    assert (meta["page"], meta["limit"]) == (page, limit)


def test_the_list_is_newest_first_in_pages_with_an_exact_total():
    service = Service()
    for number in range(5):
        service.bring(f"usr_{number}")

    pages = [service.get(limit=2, page=page).json() for page in (1, 2, 3, 4)]

    assert [[item["user_id"] for item in page["items"]] for page in pages] == [
        ["usr_4", "usr_3"],
        ["usr_2", "usr_1"],
        ["usr_0"],
        [],
    ]
    assert {page["meta"]["total"] for page in pages} == {5}


def test_a_bound_key_lists_its_own_users_whatever_it_asks_for():
    ours, others = Service("app"), Service("other")
    ours.bring("mine")
    others.bring("theirs")

    answer = ours.get(source="other").json()

    assert [item["user_id"] for item in answer["items"]] == ["mine"]
    assert answer["meta"]["source"] == "app"


def test_a_global_key_lists_every_service_or_one_but_nobody_who_signed_up():
    Service("app").bring("mine")
    Service("other").bring("theirs")
    make_tenant()
    everybody = Service("")

    assert everybody.get().json()["meta"]["total"] == 2
    assert [item["user_id"] for item in everybody.get(source="other").json()["items"]] == [
        "theirs"
    ]


def test_the_provider_chooses_which_subscription_is_shown_not_which_users():
    service = Service()
    service.bring(provider="genfity-wa")

    shown = service.get(provider="genfity-wa").json()["items"][0]["subscription"]
    other = service.get(provider="another").json()["items"][0]["subscription"]

    assert shown["provider"] == "genfity-wa"
    assert other == {
        "provider": "",
        "status": "",
        "expires_at": None,
        "max_sessions": 0,
        "max_messages": 0,
    }


def test_a_page_of_a_hundred_costs_as_many_queries_as_a_page_of_one(
    django_assert_num_queries,
):
    service = Service()
    for number in range(100):
        service.bring(f"usr_{number}")
    service.get()  # notes that the key was used

    for limit in (1, 100):
        with django_assert_num_queries(7):
            # Key; page; subscriptions with plans, limits; overrides; usage; total.
            assert len(service.get(limit=limit).json()["items"]) == limit


def test_reading_one_user_costs_six_queries(django_assert_num_queries):
    service = Service()
    service.bring()
    service.get()

    with django_assert_num_queries(6):
        service.get(f"{USERS}/usr_1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_id", "x" * 65),
        ("user_id", ""),
        ("user_id", "a/b"),
        ("user_id", "bulk"),
        ("user_id", "a\x00b"),
        ("source", "x" * 65),
        ("expires_at", None),
        ("expires_at", "2026-12-31"),
        ("expires_at", "9999-12-31T23:59:59-14:00"),
        ("expires_at", "2027-01-31T00:00:00"),
        ("max_sessions", "5"),
        ("max_sessions", True),
        ("max_sessions", 2**40),
        ("max_messages", 1.5),
        ("provider", "x" * 33),
        ("created_by", "x" * 129),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(field, value):
    answer = Service("").post(body=contract(source="app") | {field: value})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert list(answer.json()["fields"]) == [field]
    assert not Tenant.objects.exists()


def test_the_edges_of_ids_and_counts_are_taken():
    service = Service("s" * 64)

    answer = service.bring("u" * 64, max_sessions=0, max_messages=-5, provider="")

    shown = service.get(f"{USERS}/{'u' * 64}").json()["user"]["subscription"]
    assert answer.status_code == 200
    assert (shown["max_sessions"], shown["max_messages"]) == (1, 0)
    assert shown["provider"] == "orsta"


def test_a_global_key_has_to_say_whose_user_it_makes():
    answer = Service("").post(body=contract())

    assert (answer.status_code, answer.json()["code"]) == (400, "source_required")


def test_a_past_date_ends_the_subscription_and_a_later_one_renews_it():
    service = Service()
    service.bring()
    service.bring(expires_at="2020-01-01T00:00:00Z")
    ended = service.get(f"{USERS}/usr_1").json()["user"]["subscription"]

    service.bring(expires_at=FUTURE)

    renewed = service.get(f"{USERS}/usr_1").json()["user"]["subscription"]
    assert (ended["status"], ended["expires_at"]) == ("expired", "2020-01-01T00:00:00Z")
    assert (renewed["status"], renewed["expires_at"]) == ("active", FUTURE)


def test_the_same_once_more_changes_nothing():
    service = Service()
    service.bring()
    before = OutboxEvent.objects.count(), AuditEntry.objects.count()

    service.bring()

    assert (OutboxEvent.objects.count(), AuditEntry.objects.count()) == before


def test_a_put_replaces_the_whole_contract():
    service = Service()
    service.bring(max_messages=100)

    answer = service.put(f"{USERS}/usr_1", {"source": "app", "expires_at": FUTURE})

    assert (answer.status_code, answer.json()) == (200, {"message": "updated"})
    shown = service.get(f"{USERS}/usr_1").json()["user"]["subscription"]
    assert (shown["max_sessions"], shown["max_messages"]) == (1, 0)


def test_a_key_is_described_but_never_shown_again():
    service = Service()
    text = service.bring().json()["api_key"]

    before = service.get(f"{USERS}/usr_1/apikey").json()
    key_opens(text)
    after = service.get(f"{USERS}/usr_1/apikey").json()

    assert text.startswith(before["prefix"])
    assert text.endswith(before["hint"])
    assert text not in str(before)
    assert (before["rotated_at"], before["last_used_at"]) == (None, None)
    assert after["last_used_at"] is not None


def test_rotation_hands_out_a_key_that_works_and_ends_the_old_one():
    service = Service()
    old = service.bring().json()["api_key"]

    answer = service.post(f"{USERS}/usr_1/apikey/rotate")

    assert set(answer.json()) == {"user_id", "api_key"}
    assert key_opens(answer.json()["api_key"]) == 200
    assert key_opens(old) == 401
    assert service.get(f"{USERS}/usr_1/apikey").json()["rotated_at"] is not None


def test_rotation_with_an_overlap_leaves_the_old_key_for_a_while():
    service = Service()
    old = service.bring().json()["api_key"]

    new = service.post(f"{USERS}/usr_1/apikey/rotate", {"overlap_hours": 2}).json()["api_key"]

    assert (key_opens(old), key_opens(new)) == (200, 200)
    refused = service.post(f"{USERS}/usr_1/apikey/rotate", {"overlap_hours": 169})
    assert refused.status_code == 400


def test_a_user_without_a_living_key_gets_one_by_rotation():
    service = Service()
    service.bring()
    ApiKey.objects.update(revoked_at=timezone.now())

    text = service.post(f"{USERS}/usr_1/apikey/rotate").json()["api_key"]

    assert key_opens(text) == 200


def test_a_deletion_has_a_grace_in_which_it_can_be_taken_back():
    service = Service()
    key = service.bring().json()["api_key"]

    deleted = service.delete(f"{USERS}/usr_1")
    refused = key_opens(key)
    resumed = service.post(f"{USERS}/usr_1/resume")

    assert deleted.status_code == 202
    assert deleted.json()["user"]["status"] == "deleting"
    assert deleted.json()["user"]["purge_at"] is not None
    assert refused == 403
    assert resumed.json()["user"]["status"] == "active"
    assert key_opens(key) == 200


def test_an_upsert_neither_resumes_nor_renames_a_suspended_user():
    service = Service()
    service.bring(created_by="admin")
    service.post(f"{USERS}/usr_1/suspend", {"reason": "fraud"})

    service.bring(created_by="mallory", max_sessions=9)

    user = service.get(f"{USERS}/usr_1").json()["user"]
    assert (user["status"], user["created_by"]) == ("suspended", "admin")
    assert user["subscription"]["max_sessions"] == 9


def test_an_upsert_sent_again_with_its_key_tells_the_secret_only_once():
    service = Service()
    key = {"Idempotency-Key": "k1"}

    first = service.post(body=contract(), **key)
    again = service.post(body=contract(), **key)

    assert key_opens(first.json()["api_key"]) == 200
    assert (again.status_code, again.json()["api_key"]) == (200, "")
    assert again.headers["Idempotent-Replayed"] == "true"


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


def test_g5_no_key_is_made_for_an_unknown_user():
    answer = Service("").post(f"{USERS}/nobody/apikey/rotate")

    assert answer.status_code == 404
    assert not ApiKey.objects.exists()


def test_g5_a_put_makes_a_missing_subscription():
    service = Service()
    service.bring()
    Subscription.objects.all().delete()

    service.put(f"{USERS}/usr_1", {"expires_at": FUTURE, "max_sessions": 4})

    shown = service.get(f"{USERS}/usr_1").json()["user"]["subscription"]
    assert (shown["status"], shown["max_sessions"]) == ("active", 4)


def test_g12_a_suspended_users_key_is_refused_until_it_is_resumed():
    service = Service()
    key = service.bring().json()["api_key"]

    suspended = service.post(f"{USERS}/usr_1/suspend", {"reason": "unpaid"})
    refused = key_opens(key)
    service.post(f"{USERS}/usr_1/resume")

    assert suspended.json()["user"]["status"] == "suspended"
    assert refused == 403
    assert key_opens(key) == 200
    entry = AuditEntry.objects.get(action="tenant.suspended")
    assert (entry.actor, entry.reason) == (service.key.row.public_id, "unpaid")


def test_g14_a_hundred_users_are_listed_without_a_query_per_user():
    service = Service()
    for number in range(100):
        service.bring(f"usr_{number}")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        service.get(limit=100)

    assert len(queries) < 10


def test_g14_a_subscription_that_ran_out_is_shown_as_expired_before_any_job_has_seen_it():
    service = Service()
    service.bring()
    past = timezone.now() - timedelta(minutes=1)
    Subscription.objects.update(starts_at=past - timedelta(days=1), ends_at=past)

    shown = service.get().json()["items"][0]["subscription"]

    assert shown["status"] == "expired"


def test_vector_8_me_says_whether_the_key_is_bound():
    assert Service("app").get("/internal/me").json() == {
        "auth": {"mode": "scoped", "source_service": "app"}
    }
    assert Service("").get("/internal/me").json() == {
        "auth": {"mode": "global", "source_service": ""}
    }
