"""Members: nobody grants more than they have, and the last owner stays."""

import threading

import pytest
from django.utils import timezone

from accounts import selectors
from accounts.models import AuditEntry, LoginSession, Membership, Role
from accounts.roles import GRANTS
from accounts.selectors import members as roster
from accounts.services import members
from accounts.tests.factories import make_login, make_member, make_tenant, make_user, owner_of
from orsta.core.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def place_of(tenant, user) -> Membership:
    return roster.membership_of(tenant, user)


def change(tenant, user, role, *, by=None) -> None:
    members.change_role(member=place_of(tenant, user), role=role, by=by, now=NOW)


@pytest.mark.parametrize("own", Role)
@pytest.mark.parametrize("role", Role)
def test_nobody_grants_more_than_they_have(own, role):
    tenant = make_tenant()
    giver, taker = make_member(tenant, role=own), make_member(tenant, role=Role.VIEWER)
    allowed = GRANTS[role] <= GRANTS[own]

    try:
        change(tenant, taker, role, by=giver)
    except members.RoleTooHigh:
        assert not allowed
        assert place_of(tenant, taker).role == Role.VIEWER
    else:
        assert allowed
        assert place_of(tenant, taker).role == role


def test_only_owners_touch_owners():
    tenant = make_tenant()
    owner, admin = owner_of(tenant), make_member(tenant, role=Role.ADMIN)
    make_member(tenant, role=Role.OWNER)

    with pytest.raises(members.RoleTooHigh):
        change(tenant, owner, Role.VIEWER, by=admin)
    with pytest.raises(members.RoleTooHigh):
        members.remove(member=place_of(tenant, owner), by=admin, now=NOW)

    assert place_of(tenant, owner).role == Role.OWNER


def test_the_last_owner_stays_one():
    tenant = make_tenant()
    owner = owner_of(tenant)
    make_member(tenant, role=Role.ADMIN)
    make_member(tenant, make_user(is_active=False), role=Role.OWNER)  # cannot log in

    with pytest.raises(members.LastOwner):
        change(tenant, owner, Role.ADMIN, by=owner)
    with pytest.raises(members.LastOwner):
        members.leave(tenant=tenant, user=owner, now=NOW)
    with pytest.raises(members.LastOwner):
        members.remove(member=place_of(tenant, owner), by=None, now=NOW)

    assert place_of(tenant, owner).role == Role.OWNER
    assert not AuditEntry.objects.filter(action__startswith="member.").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_leave_at_once_one_stays(race):
    tenant = make_tenant()
    owners = [owner_of(tenant), make_member(tenant, role=Role.OWNER)]
    turns, lock = iter(owners), threading.Lock()

    def leave() -> str:
        with lock:
            user = next(turns)
        try:
            members.leave(tenant=tenant, user=user, now=NOW)
        except members.LastOwner:
            return "stayed"
        return "left"

    assert sorted(race(2, leave)) == ["left", "stayed"]
    assert Membership.objects.for_tenant(tenant).filter(role=Role.OWNER).count() == 1


def test_a_removed_members_logins_end():
    tenant = make_tenant()
    bob = make_member(tenant)
    login = make_login(tenant, bob)

    members.remove(member=place_of(tenant, bob), by=owner_of(tenant), now=NOW)

    assert selectors.principal_of_token(login.token, now=timezone.now()) is None
    assert LoginSession.objects.get(pk=login.row.pk).revoked_at is not None
    entry = AuditEntry.objects.get(action="member.removed")
    assert (entry.target, entry.before) == (bob.public_id, {"role": "DEVELOPER"})


def test_a_new_role_counts_at_once_for_open_sockets_too():
    tenant = make_tenant()
    bob = make_member(tenant, role=Role.DEVELOPER)
    login = make_login(tenant, bob)
    before = selectors.principal_of_token(login.token, now=timezone.now())
    assert selectors.is_valid(before, now=timezone.now())

    change(tenant, bob, Role.VIEWER, by=owner_of(tenant))

    assert not selectors.is_valid(before, now=timezone.now())
    after = selectors.principal_of_token(login.token, now=timezone.now())
    assert not after.allows("messages:write")
    event = OutboxEvent.objects.get(name="member.role_changed")
    assert event.payload == {"user_id": bob.public_id, "role": "VIEWER"}


def test_another_tenants_member_does_not_exist():
    stranger = place_of(strangers := make_tenant(), owner_of(strangers))

    with pytest.raises(roster.UnknownMember):
        roster.member_of(make_tenant(), stranger.public_id)
