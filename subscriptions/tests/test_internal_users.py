"""`/internal/users`: made, renewed, ended and deleted, as sibling services do it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry, Tenant
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


def test_g5_a_put_makes_a_missing_subscription():
    service = Service()
    service.bring()
    Subscription.objects.all().delete()

    service.put(f"{USERS}/usr_1", {"expires_at": FUTURE, "max_sessions": 4})

    shown = service.get(f"{USERS}/usr_1").json()["user"]["subscription"]
    assert (shown["status"], shown["max_sessions"]) == ("active", 4)


def test_g14_a_subscription_that_ran_out_is_shown_as_expired_before_any_job_has_seen_it():
    service = Service()
    service.bring()
    past = timezone.now() - timedelta(minutes=1)
    Subscription.objects.update(starts_at=past - timedelta(days=1), ends_at=past)

    shown = service.get().json()["items"][0]["subscription"]

    assert shown["status"] == "expired"
