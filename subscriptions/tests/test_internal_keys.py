"""The API keys of users, as their services hand them out."""

import pytest
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry
from orsta.core.outbox.models import OutboxEvent
from subscriptions.tests.internal import USERS, Service, contract, key_opens

pytestmark = pytest.mark.django_db


def test_the_key_of_a_new_user_is_in_no_event_and_no_audit_entry():
    text = Service().bring().json()["api_key"]

    kept = [*AuditEntry.objects.values_list("detail", "after", "before")]
    kept += OutboxEvent.objects.values_list("payload", flat=True)

    assert text[16:] not in str(kept)


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


def test_a_key_that_expired_is_neither_told_of_nor_rotated():
    service = Service()
    service.bring()
    ApiKey.objects.update(expires_at=timezone.now())

    told = service.get(f"{USERS}/usr_1/apikey").json()
    text = service.post(f"{USERS}/usr_1/apikey/rotate").json()["api_key"]

    assert (told["prefix"], told["created_at"]) == ("", None)
    assert key_opens(text) == 200


def test_an_upsert_sent_again_with_its_key_tells_the_secret_only_once():
    service = Service()
    key = {"Idempotency-Key": "k1"}

    first = service.post(body=contract(), **key)
    again = service.post(body=contract(), **key)

    assert key_opens(first.json()["api_key"]) == 200
    assert (again.status_code, again.json()["api_key"]) == (200, "")
    assert again.headers["Idempotent-Replayed"] == "true"


def test_g5_no_key_is_made_for_an_unknown_user():
    answer = Service("").post(f"{USERS}/nobody/apikey/rotate")

    assert answer.status_code == 404
    assert not ApiKey.objects.exists()


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
