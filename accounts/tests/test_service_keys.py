"""Keys of sibling services: in rows and in the environment, and how they are refused."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import environment_keys, selectors
from accounts.models import AuditEntry, ServiceKey
from accounts.services import service_keys
from accounts.tests.factories import make_api_key, make_login, make_service_key

NOW = timezone.now()
LONG = "k" * 40
pytestmark = pytest.mark.django_db


def source_of(text, *, now=NOW):
    principal = selectors.principal_of_service_key(text, now=now)
    return principal.source if principal else None


def ask(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return APIClient().get("/internal/me", headers=named)


@pytest.mark.parametrize("source", ["genfity-app", ""])
def test_a_service_key_speaks_for_its_source(source):
    issued = service_keys.issue(source=source, now=NOW, name="nightly")

    principal = selectors.principal_of_service_key(issued.text, now=NOW)

    assert (principal.source, principal.credential_id) == (source, issued.row.public_id)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target) == ("service_key.issued", issued.row.public_id)
    assert entry.detail == {"source": source, "name": "nightly", "expires_at": None}


def test_g7_a_service_key_is_stored_as_a_digest_and_audited_without_its_text():
    issued = make_service_key("genfity")
    secret = issued.text.rsplit("_", 1)[1]

    stored = str(ServiceKey.objects.values().get()) + str(AuditEntry.objects.values().get())

    assert secret[:-6] not in stored
    assert issued.text not in repr(issued)


def test_a_revoked_service_key_is_dead_at_once():
    issued = make_service_key()
    assert source_of(issued.text) == ""

    service_keys.revoke(service_key=issued.row, now=NOW)
    service_keys.revoke(service_key=issued.row, now=NOW)

    assert source_of(issued.text) is None
    assert AuditEntry.objects.filter(action="service_key.revoked").count() == 1
    assert ServiceKey.objects.get().revoked_at == NOW


def test_a_service_key_expires():
    text = make_service_key("anna", expires_at=NOW + timedelta(hours=1)).text

    assert source_of(text) == "anna"
    assert source_of(text, now=NOW + timedelta(hours=1)) is None


def test_g7_a_service_key_is_rotated_with_an_overlap():
    old = make_service_key("anna", name="sync")

    new = service_keys.rotate(
        service_key=old.row, now=NOW, overlap=timedelta(hours=1), actor="usr_staff"
    )

    end = NOW + timedelta(hours=1)
    assert (new.row.source, new.row.name) == ("anna", "sync")
    assert source_of(old.text, now=end - timedelta(seconds=1)) == "anna"
    assert source_of(old.text, now=end) is None
    assert source_of(new.text, now=end) == "anna"
    entry = AuditEntry.objects.get(action="service_key.rotated")
    assert (entry.actor, entry.detail["replaced"]) == ("usr_staff", old.row.public_id)


def test_a_rotation_without_overlap_ends_the_old_one_at_once():
    old = make_service_key()

    service_keys.rotate(service_key=old.row, now=NOW)

    assert source_of(old.text) is None
    with pytest.raises(service_keys.ServiceKeyEnded):
        service_keys.rotate(service_key=old.row, now=NOW)
    assert ServiceKey.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("source", "x" * 65), ("name", "x" * 81), ("expires_at", NOW)],
)
def test_a_service_key_that_makes_no_sense_is_not_made(field, value):
    with pytest.raises(service_keys.InvalidServiceKeyInput) as caught:
        service_keys.issue(**{"source": "anna", "now": NOW, field: value})

    assert list(caught.value.details["fields"]) == [field]
    assert not ServiceKey.objects.exists()


@pytest.mark.parametrize(
    ("entries", "sources"),
    [
        ([f"genfity:{LONG}"], "genfity"),
        ([f" genfity : {LONG} "], "genfity"),
        ([LONG], ""),
        ([f"first:{LONG}", f"second:{LONG}"], "first"),
        ([f"genfity:a:{LONG}"], None),
        ([f":{LONG}"], None),
        (["genfity:"], None),
        (["genfity:other"], None),
        ([], None),
    ],
)
def test_a_key_of_the_environment_speaks_for_the_service_before_its_first_colon(
    settings, entries, sources
):
    settings.INTERNAL_API_KEYS = entries

    assert source_of(LONG) == sources


def test_g7_a_key_of_the_environment_is_never_shown(settings):
    settings.INTERNAL_API_KEYS = [f"genfity:{LONG}"]

    (parsed,) = environment_keys.parse(settings.INTERNAL_API_KEYS)
    principal = selectors.principal_of_service_key(LONG, now=NOW)

    assert LONG not in repr(parsed)
    assert LONG not in repr(principal)
    assert principal.credential_id == "env:genfity"


def test_g7_every_key_of_the_environment_is_compared_in_constant_time(settings, monkeypatch):
    settings.INTERNAL_API_KEYS = [LONG, "other", "third"]
    compared = []
    compare = environment_keys.hmac.compare_digest

    def count(one, two):
        compared.append((len(one), len(two)))
        return compare(one, two)

    monkeypatch.setattr(environment_keys.hmac, "compare_digest", count)

    assert source_of(LONG) == ""
    assert compared == [(32, 32)] * 3


@pytest.mark.parametrize("text", ["é", "\x00", "", LONG * 1000])
def test_a_key_that_is_junk_opens_nothing(settings, text):
    settings.INTERNAL_API_KEYS = [LONG]

    assert source_of(text) is None


def test_a_missing_and_a_wrong_key_are_answered_as_they_were():
    missing, wrong = ask(), ask(x_internal_api_key="wrong")

    assert [answer.status_code for answer in (missing, wrong)] == [401, 401]
    assert missing.json()["detail"] == "internal api key required"
    assert wrong.json()["detail"] == "invalid internal api key"


def test_the_keys_own_header_decides_alone_unless_it_is_empty():
    good, other = make_service_key("anna").text, make_service_key("genfity").text

    answers = [
        ask(x_internal_api_key=f" {good} "),
        ask(Authorization=f"Bearer {good}"),
        ask(x_internal_api_key="  ", Authorization=f"Bearer {good}"),
        ask(x_internal_api_key=good, Authorization=f"Bearer {other}"),
        ask(x_internal_api_key="wrong", Authorization=f"Bearer {good}"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 401]
    sources = {answer.json()["auth"]["source_service"] for answer in answers[:4]}
    assert sources == {"anna"}


def test_no_customers_credential_opens_the_internal_door():
    key, token = make_api_key().text, make_login().token

    answers = [
        ask(x_internal_api_key=key),
        ask(Authorization=f"Bearer {token}"),
        ask(x_api_key=key),
    ]

    assert [answer.status_code for answer in answers] == [401] * 3
