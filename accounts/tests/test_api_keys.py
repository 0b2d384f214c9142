"""A tenant's API key and the services' keys: on, off, replaced."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import selectors
from accounts.models import ApiKey, ApiKeyStatus, AuditEntry, ServiceKey
from accounts.services import keys, service_keys
from accounts.tests.factories import (
    make_api_key,
    make_service_key,
    make_tenant,
    owner_of,
)
from orsta.core.outbox.models import OutboxEvent

NOW = timezone.now()
pytestmark = pytest.mark.django_db


def events():
    rows = OutboxEvent.objects.filter(name__startswith="api_key.").order_by("pk")
    return [(row.name, row.payload["credential_id"]) for row in rows]


def test_a_new_key_is_inert():
    issued = make_api_key(active=False)

    assert issued.row.status == ApiKeyStatus.INACTIVE
    assert selectors.principal_of_api_key(issued.text, now=NOW) is None
    assert selectors.is_switched_off(issued.text)


def test_an_activated_key_acts_for_its_tenant():
    tenant = make_tenant()
    issued = make_api_key(tenant, active=False)

    key = keys.activate(tenant=tenant, now=NOW)

    principal = selectors.principal_of_api_key(issued.text, now=NOW)
    assert (principal.tenant, principal.user) == (tenant, owner_of(tenant))
    assert principal.credential_id == key.public_id
    assert principal.kind == "api_key"
    assert events() == [("api_key.activated", key.public_id)]


def test_activating_and_deactivating_twice_happens_once():
    tenant = make_tenant()
    key = make_api_key(tenant).row

    keys.activate(tenant=tenant, now=NOW)
    keys.deactivate(tenant=tenant, now=NOW)
    keys.deactivate(tenant=tenant, now=NOW)

    assert events() == [
        ("api_key.activated", key.public_id),
        ("api_key.deactivated", key.public_id),
    ]


def test_a_deactivated_key_is_dead_and_can_come_back():
    tenant = make_tenant()
    issued = make_api_key(tenant)
    assert selectors.principal_of_api_key(issued.text, now=NOW) is not None

    keys.deactivate(tenant=tenant, now=NOW)
    dead = selectors.principal_of_api_key(issued.text, now=NOW)
    keys.activate(tenant=tenant, now=NOW)
    back = selectors.principal_of_api_key(issued.text, now=NOW)

    assert dead is None
    assert back is not None


@pytest.mark.parametrize("active", [True, False])
def test_rotating_replaces_the_key_and_keeps_its_status(active):
    tenant = make_tenant()
    old = make_api_key(tenant, active=active)
    assert (selectors.principal_of_api_key(old.text, now=NOW) is not None) == active

    new = keys.rotate(tenant=tenant, user=owner_of(tenant), now=NOW)

    old.row.refresh_from_db()
    assert old.row.status == ApiKeyStatus.REVOKED
    assert new.row.status == (ApiKeyStatus.ACTIVE if active else ApiKeyStatus.INACTIVE)
    assert selectors.principal_of_api_key(old.text, now=NOW) is None
    assert not selectors.is_switched_off(old.text)
    assert (selectors.principal_of_api_key(new.text, now=NOW) is not None) == active
    assert selectors.current_api_key(tenant=tenant) == new.row
    assert events()[-1] == ("api_key.rotated", old.row.public_id)


def test_a_tenant_has_one_key_that_is_not_revoked():
    tenant = make_tenant()
    make_api_key(tenant)

    with pytest.raises(IntegrityError), transaction.atomic():
        keys.issue(tenant=tenant, user=None, now=NOW)

    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("change", [keys.activate, keys.deactivate])
def test_without_a_key_there_is_nothing_to_switch(change):
    with pytest.raises(keys.NoApiKey):
        change(tenant=make_tenant(), now=NOW)


def test_without_a_key_there_is_nothing_to_rotate():
    tenant = make_tenant()

    with pytest.raises(keys.NoApiKey):
        keys.rotate(tenant=tenant, user=None, now=NOW)

    assert not ApiKey.objects.exists()


def test_changes_of_a_key_are_audited_with_who_did_them():
    tenant = make_tenant()
    old = make_api_key(tenant).row
    owner = owner_of(tenant)

    new = keys.rotate(tenant=tenant, user=owner, now=NOW).row
    keys.deactivate(tenant=tenant, now=NOW, actor="usr_staff")

    log = AuditEntry.objects.filter(tenant=tenant).order_by("pk")
    assert list(log.values_list("action", "actor", "target")) == [
        ("api_key.issued", owner.public_id, old.public_id),
        ("api_key.activated", "system", old.public_id),
        ("api_key.rotated", owner.public_id, new.public_id),
        ("api_key.deactivated", "usr_staff", new.public_id),
    ]
    assert log.get(action="api_key.rotated").detail == {"replaced": old.public_id}


def test_one_tenants_change_leaves_the_others_key_alone():
    ours, theirs = make_tenant(), make_tenant()
    make_api_key(ours)
    other = make_api_key(theirs)

    keys.deactivate(tenant=ours, now=NOW)
    keys.rotate(tenant=ours, user=None, now=NOW)

    assert selectors.principal_of_api_key(other.text, now=NOW).tenant == theirs


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_leave_one_working_key(race):
    tenant = make_tenant()
    make_api_key(tenant)

    issued = race(8, lambda: keys.rotate(tenant=tenant, user=None, now=NOW))

    working = [key for key in issued if selectors.principal_of_api_key(key.text, now=NOW)]
    assert len(working) == 1
    assert ApiKey.objects.exclude(status=ApiKeyStatus.REVOKED).get() == working[0].row


@pytest.mark.django_db(transaction=True)
def test_a_payment_during_rotations_turns_on_the_key_that_is_left(race):
    tenant = make_tenant()
    make_api_key(tenant, active=False)
    turns = iter(range(8))

    def rotate_or_activate():
        if next(turns) == 0:
            return keys.activate(tenant=tenant, now=NOW)
        return keys.rotate(tenant=tenant, user=None, now=NOW).row

    results = race(8, rotate_or_activate)

    assert all(isinstance(result, ApiKey) for result in results)
    assert selectors.current_api_key(tenant=tenant).status == ApiKeyStatus.ACTIVE


@pytest.mark.parametrize("source", ["genfity-app", ""])
def test_a_service_key_speaks_for_its_source(source):
    issued = service_keys.issue(source=source, now=NOW)

    principal = selectors.principal_of_service_key(issued.text, now=NOW)
    assert (principal.source, principal.credential_id) == (source, issued.row.public_id)
    assert AuditEntry.objects.get().action == "service_key.issued"


def test_a_revoked_service_key_is_dead_at_once():
    issued = make_service_key()
    assert selectors.principal_of_service_key(issued.text, now=NOW) is not None

    service_keys.revoke(service_key=issued.row, now=NOW)
    service_keys.revoke(service_key=issued.row, now=NOW)

    assert selectors.principal_of_service_key(issued.text, now=NOW) is None
    assert AuditEntry.objects.filter(action="service_key.revoked").count() == 1
    assert ServiceKey.objects.get().revoked_at == NOW
