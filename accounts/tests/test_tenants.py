"""Workspaces: suspended, resumed, deleted after a grace, purged."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import purging as registry
from accounts import selectors
from accounts.models import ApiKey, AuditEntry, Membership, Tenant, TenantStatus, User
from accounts.services import deletion, passwords, purging, tenants
from accounts.tests.factories import (
    PASSWORD,
    make_api_key,
    make_login,
    make_member,
    make_tenant,
    make_user,
    owner_of,
)
from orsta.core.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def events(tenant) -> list[str]:
    found = OutboxEvent.objects.filter(tenant_id=tenant.pk, name__startswith="tenant.")
    return list(found.order_by("pk").values_list("name", flat=True))


def suspend(tenant) -> None:
    tenants.suspend(tenant=tenant, reason="spam", actor="usr_staff", now=NOW)


def schedule(tenant, *, now=NOW) -> None:
    tenants.schedule_deletion(tenant=tenant, actor="usr_staff", now=now)


def test_g12_a_suspended_tenants_key_is_refused_and_a_resumed_ones_works():
    issued = make_api_key()
    tenant = issued.row.tenant
    assert selectors.principal_of_api_key(issued.text, now=NOW) is not None

    suspend(tenant)
    assert selectors.principal_of_api_key(issued.text, now=NOW) is None

    tenants.resume(tenant=tenant, actor="usr_staff", now=NOW)
    assert selectors.principal_of_api_key(issued.text, now=NOW) is not None
    assert ApiKey.objects.get().revoked_at is None
    assert events(tenant) == ["tenant.suspended", "tenant.resumed"]


def test_g12_suspension_closes_the_sockets_of_every_key():
    issued = make_api_key()

    suspend(issued.row.tenant)

    closed = OutboxEvent.objects.filter(name="api_key.deactivated")
    assert [event.payload for event in closed] == [{"credential_id": issued.row.public_id}]


def test_keys_that_ended_have_no_sockets_to_close():
    tenant = make_tenant()
    living = make_api_key(tenant)
    make_api_key(tenant, expires_at=NOW)

    suspend(tenant)

    closed = OutboxEvent.objects.get(name="api_key.deactivated")
    assert closed.payload["credential_id"] == living.row.public_id


def test_suspending_twice_is_one_fact():
    tenant = make_tenant()

    suspend(tenant)
    tenants.suspend(tenant=tenant, reason="again", actor="usr_staff", now=NOW)

    assert tenant.status_reason == "spam"
    entry = AuditEntry.objects.get(action="tenant.suspended")
    assert (entry.actor, entry.reason, entry.target) == (
        "usr_staff",
        "spam",
        tenant.public_id,
    )


def test_people_of_a_suspended_tenant_may_only_look():
    login = make_login()

    suspend(login.tenant)

    principal = selectors.principal_of_token(login.token, now=timezone.now())
    assert principal.allows("sessions:read")
    assert not principal.allows("sessions:write")
    assert not principal.allows("tenant:delete")


def test_a_deletion_has_a_grace_and_can_be_cancelled():
    tenant = make_tenant()

    schedule(tenant)
    assert (tenant.status, tenant.purge_at) == (
        TenantStatus.DELETING,
        NOW + timedelta(days=14),
    )

    schedule(tenant, now=NOW + timedelta(days=1))
    assert tenant.purge_at == NOW + timedelta(days=14)

    tenants.cancel_deletion(tenant=tenant, actor="usr_staff", now=NOW)
    assert (tenant.status, tenant.purge_at) == (TenantStatus.ACTIVE, None)
    assert events(tenant) == ["tenant.deletion_scheduled", "tenant.deletion_cancelled"]


def test_cancelling_the_deletion_of_a_suspended_tenant_leaves_it_suspended():
    tenant = make_tenant()
    suspend(tenant)
    schedule(tenant)

    tenants.cancel_deletion(tenant=tenant, actor="usr_staff", now=NOW)

    assert (tenant.status, tenant.status_reason) == (TenantStatus.SUSPENDED, "spam")


def test_a_deletion_whose_grace_is_over_cannot_be_cancelled():
    tenant = make_tenant()
    schedule(tenant)

    with pytest.raises(tenants.NotEnding):
        tenants.cancel_deletion(tenant=tenant, actor="usr_staff", now=NOW + timedelta(days=14))

    assert tenant.status == TenantStatus.DELETING


@pytest.mark.parametrize("name", ["suspend", "resume"])
def test_a_tenant_that_is_about_to_be_deleted_is_not_moved_by_anything_else(name):
    tenant = make_tenant()
    schedule(tenant)

    with pytest.raises(tenants.TenantEnding):
        getattr(tenants, name)(tenant=tenant, reason="x", actor="usr_staff", now=NOW)

    assert tenant.status == TenantStatus.DELETING


def test_the_owner_of_an_ending_workspace_can_still_cancel_and_export():
    login = make_login()

    schedule(login.tenant)

    principal = selectors.principal_of_token(login.token, now=timezone.now())
    assert principal.allows("tenant:delete")
    assert principal.allows("tenant:write")
    assert not principal.allows("sessions:write")


def test_a_rename_is_audited_with_both_names():
    tenant = make_tenant("Acme")

    tenants.update(tenant=tenant, name="  Acme   Inc ", actor="usr_1", now=NOW)

    entry = AuditEntry.objects.get(action="tenant.updated")
    assert (entry.before, entry.after) == ({"name": "Acme"}, {"name": "Acme Inc"})
    assert Tenant.objects.get().name == "Acme Inc"


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_workspace_needs_a_name(name):
    tenant = make_tenant("Acme")

    with pytest.raises(tenants.InvalidName):
        tenants.update(tenant=tenant, name=name, actor="usr_1", now=NOW)

    assert Tenant.objects.get().name == "Acme"


def request_deletion(tenant, **changes):
    owner = owner_of(tenant)
    given = {"password": PASSWORD, "confirm": tenant.name, "by": owner} | changes
    return deletion.request(tenant=tenant, now=NOW, **given)


def test_every_owner_is_told_that_the_workspace_will_be_deleted():
    tenant = make_tenant()

    request_deletion(tenant)
    request_deletion(tenant)

    assert tenant.status == TenantStatus.DELETING
    assert OutboxEvent.objects.filter(name="mail.queued").count() == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"password": "wrong"}, passwords.WrongPassword),
        ({"confirm": "Globex"}, deletion.NameMismatch),
    ],
)
def test_a_workspace_is_only_deleted_by_who_proves_to_mean_it(changes, error):
    tenant = make_tenant()

    with pytest.raises(error):
        request_deletion(tenant, **changes)

    tenant.refresh_from_db()
    assert tenant.status == TenantStatus.ACTIVE


@pytest.fixture
def due():
    """A tenant whose grace is over."""
    tenant = make_api_key().row.tenant
    schedule(tenant, now=NOW - tenants.DELETION_GRACE)
    return tenant


def test_a_purge_leaves_an_empty_row_and_the_audit_log(due):
    due.source, due.external_id = "shop", "42"
    due.save()

    assert purging.due(now=NOW) == [due.public_id]
    assert purging.purge(tenant=due, now=NOW)

    assert due.status == TenantStatus.PURGED
    assert (due.name, due.source, due.external_id) == ("Deleted workspace", "", "")
    assert not ApiKey.objects.exists()
    assert not Membership.objects.exists()
    assert not User.objects.exists()
    assert AuditEntry.objects.filter(tenant=due, action="tenant.purged").exists()
    assert events(due)[-1] == "tenant.purged"
    assert purging.due(now=NOW) == []


def test_people_of_other_workspaces_and_staff_outlive_a_purge(due):
    bob, staff = make_user(), make_user(is_staff=True)
    make_member(due, bob)
    make_member(due, staff)
    make_member(make_tenant(), bob)

    purging.purge(tenant=due, now=NOW)

    left = User.objects.filter(pk__in=[bob.pk, staff.pk])
    assert left.count() == 2


def test_a_purge_waits_for_an_app_that_is_not_done(due, monkeypatch):
    answers = iter([False, True])
    parts = [*registry._parts, lambda tenant, now: next(answers)]
    monkeypatch.setattr(registry, "_parts", parts)

    assert not purging.purge(tenant=due, now=NOW)
    assert due.status == TenantStatus.DELETING
    assert Membership.objects.exists()

    assert purging.purge(tenant=due, now=NOW)
    assert due.status == TenantStatus.PURGED


def test_nothing_is_purged_before_its_time():
    tenant = make_tenant()
    schedule(tenant)

    with pytest.raises(purging.GraceNotOver):
        purging.purge(tenant=tenant, now=NOW)

    assert Membership.objects.exists()
