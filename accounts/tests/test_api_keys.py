"""A tenant's API keys: made, limited, turned on and off, replaced, ended."""

from datetime import timedelta

import pytest

from accounts import selectors
from accounts.models import ApiKey, AuditEntry, Tenant
from accounts.services import keys
from accounts.tests.factories import make_api_key, make_tenant, owner_of
from accounts.tests.key_probes import NOW, events, opens, trail
from orsta.core import crypto
from orsta.core.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


def test_a_new_key_is_inert_until_the_api_is_on():
    issued = make_api_key(active=False)

    assert not opens(issued.text)
    assert selectors.living_api_key(issued.text, now=NOW) == issued.row


def test_b5_the_key_is_stored_as_a_digest_only():
    issued = make_api_key()
    _, secret_and_checksum = issued.text.rsplit("_", 1)

    row = ApiKey.objects.filter(pk=issued.row.pk).values().get()

    stored = " ".join(str(value) for value in row.values())
    assert secret_and_checksum[:-6] not in stored
    assert row["digest"] == crypto.digest(secret_and_checksum[:-6])[1]
    logged = " ".join(str(entry) for entry in AuditEntry.objects.values())
    sent = " ".join(str(event) for event in OutboxEvent.objects.values())
    assert secret_and_checksum not in logged + sent
    assert issued.text not in repr(issued)


def test_o5_what_is_shown_of_a_key_does_not_open_anything():
    issued = make_api_key()

    masked = selectors.masked_key(issued.row)

    assert masked == f"ork_{issued.row.key_id}_••••{issued.text[-4:]}"
    assert not opens(masked)


def test_an_activated_key_acts_for_its_tenant():
    tenant = make_tenant()
    issued = make_api_key(tenant, active=False)

    key = keys.activate(tenant=tenant, now=NOW)

    principal = selectors.principal_of_api_key(issued.text, now=NOW)
    assert (principal.tenant, principal.user) == (tenant, owner_of(tenant))
    assert principal.credential_id == key.public_id
    assert principal.kind == "api_key"
    assert events() == [("api_key.activated", key.public_id)]


def test_the_switch_moves_all_keys_and_moves_once():
    tenant = make_tenant()
    one, two = make_api_key(tenant), make_api_key(tenant)

    keys.activate(tenant=tenant, now=NOW)
    keys.deactivate(tenant=tenant, now=NOW)
    keys.deactivate(tenant=tenant, now=NOW)

    assert not opens(one.text)
    assert not opens(two.text)
    assert events() == [
        ("api_key.activated", one.row.public_id),
        ("api_key.deactivated", one.row.public_id),
        ("api_key.deactivated", two.row.public_id),
    ]


def test_a_deactivated_key_is_dead_and_can_come_back():
    tenant = make_tenant()
    issued = make_api_key(tenant)
    assert opens(issued.text)

    keys.deactivate(tenant=tenant, now=NOW)
    dead = opens(issued.text)
    keys.activate(tenant=tenant, now=NOW)

    assert not dead
    assert opens(issued.text)


def test_a_revoked_key_is_dead_at_once_and_the_others_live():
    tenant = make_tenant()
    one, two = make_api_key(tenant), make_api_key(tenant)
    assert opens(one.text)

    keys.revoke(key=one.row, now=NOW, actor="usr_1")
    keys.revoke(key=one.row, now=NOW, actor="usr_1")

    assert not opens(one.text)
    assert opens(two.text)
    assert events()[1:] == [("api_key.revoked", one.row.public_id)]
    assert trail(tenant)[-1] == ("api_key.revoked", "usr_1", one.row.public_id)


def test_the_oldest_living_key_is_the_one_of_the_first_api():
    tenant = make_tenant()
    first, second = make_api_key(tenant), make_api_key(tenant)
    assert selectors.current_api_key(tenant=tenant) == first.row

    ApiKey.objects.filter(pk=first.row.pk).update(expires_at=NOW - timedelta(days=1))

    assert selectors.current_api_key(tenant=tenant) == second.row


@pytest.mark.parametrize("change", [keys.activate, keys.deactivate])
def test_without_a_key_there_is_nothing_to_switch(change):
    with pytest.raises(keys.NoApiKey):
        change(tenant=make_tenant(), now=NOW)

    assert not Tenant.objects.get().api_enabled


def test_a_change_counts_at_once_and_is_audited_with_what_was_before():
    issued = make_api_key(name="old")
    assert selectors.principal_of_api_key(issued.text, now=NOW).allows("messages:write")

    keys.change(
        key=issued.row,
        now=NOW,
        actor="usr_1",
        name="new",
        scopes=["messages:read"],
        networks=[],
    )

    assert not selectors.principal_of_api_key(issued.text, now=NOW).allows("messages:write")
    entry = AuditEntry.objects.get(action="api_key.changed")
    assert (entry.actor, entry.target) == ("usr_1", issued.row.public_id)
    assert entry.before == {"name": "old", "scopes": ["*"]}
    assert entry.after == {"name": "new", "scopes": ["messages:read"]}


def test_a_change_to_what_it_is_already_leaves_no_trace():
    issued = make_api_key(name="shop")

    keys.change(key=issued.row, now=NOW, name="shop")

    assert not AuditEntry.objects.filter(action="api_key.changed").exists()


def test_a_revoked_key_is_not_changed():
    issued = make_api_key()
    keys.revoke(key=issued.row, now=NOW)

    with pytest.raises(keys.KeyEnded):
        keys.change(key=issued.row, now=NOW, name="new")

    assert ApiKey.objects.get().name == "default"


def test_a_tenant_has_fifty_living_keys_at_most(monkeypatch):
    monkeypatch.setattr(keys, "MAX_LIVING", 2)
    tenant, other = make_tenant(), make_tenant()
    first, second = make_api_key(tenant), make_api_key(tenant)

    with pytest.raises(keys.TooManyKeys):
        keys.issue(tenant=tenant, user=None, now=NOW)
    with pytest.raises(keys.TooManyKeys):
        keys.rotate(key=first.row, user=None, now=NOW, overlap=timedelta(hours=1))
    keys.issue(tenant=other, user=None, now=NOW)
    assert selectors.api_keys_of(tenant).count() == 2

    keys.rotate(key=first.row, user=None, now=NOW)
    keys.revoke(key=second.row, now=NOW)
    keys.issue(tenant=tenant, user=None, now=NOW)
    assert selectors.api_keys_of(tenant).count() == 2


def test_changes_of_a_key_are_audited_with_who_did_them():
    tenant = make_tenant()
    old = make_api_key(tenant).row
    owner = owner_of(tenant)

    new = keys.rotate(key=old, user=owner, now=NOW).row
    keys.deactivate(tenant=tenant, now=NOW, actor="usr_staff")

    assert trail(tenant) == [
        ("api_key.issued", owner.public_id, old.public_id),
        ("api_key.activated", "system", old.public_id),
        ("api_key.rotated", owner.public_id, new.public_id),
        ("api_key.deactivated", "usr_staff", new.public_id),
    ]
    detail = AuditEntry.objects.get(action="api_key.rotated").detail
    assert detail == {"replaced": old.public_id, "overlap_seconds": 0}


def test_one_tenants_change_leaves_the_others_key_alone():
    ours = make_api_key()
    other = make_api_key()

    keys.rotate(key=ours.row, user=None, now=NOW)
    keys.deactivate(tenant=ours.row.tenant, now=NOW)

    assert opens(other.text)


@pytest.mark.django_db(transaction=True)
def test_keys_made_at_once_stop_at_the_limit(race, monkeypatch):
    monkeypatch.setattr(keys, "MAX_LIVING", 3)
    tenant = make_tenant()

    results = race(8, lambda: keys.issue(tenant=tenant, user=None, now=NOW))

    assert ApiKey.objects.count() == 3
    assert sum(isinstance(result, keys.TooManyKeys) for result in results) == 5
