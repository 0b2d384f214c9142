"""Who belongs to a workspace, and as what."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import selectors
from accounts.models import LoginSession, Membership, Role, Tenant, User
from accounts.roles import GRANTS
from accounts.selectors import members
from accounts.services import audit, login
from orsta.core import errors
from orsta.core.outbox.services import emit


class LastOwner(errors.Conflict):
    """A workspace keeps at least one owner who can log in."""

    code = "last_owner"


class RoleTooHigh(errors.Denied):
    """Nobody gives a role that may do more than they may, and only owners touch owners."""

    code = "role_too_high"


class AlreadyMember(errors.Conflict):
    """The person belongs to the workspace already."""

    code = "already_member"


@transaction.atomic
def change_role(
    *, member: Membership, role: Role, by: User | None, now: datetime
) -> Membership:
    """Make a member something else; its logins go on with the new role at once.

    :param by: the member who does it; None for staff, who may do what an owner may.
    :raises RoleTooHigh: `by` may not give the new role, or take the old one.
    :raises LastOwner: nobody else owns the workspace.
    """
    lock(member.tenant)
    current = members.member_of(member.tenant, member.public_id)
    check_grant(tenant=member.tenant, role=role, by=by)
    _check_owner_touched(current, by)
    if current.role == role:
        return current
    _keep_an_owner(current)
    before, current.role = current.role, role
    current.save(update_fields=["role"])
    roles = {"before": {"role": before}, "after": {"role": str(role)}}
    _record("member.role_changed", current, by, now, **roles)
    _forget_logins(current)
    return current


@transaction.atomic
def remove(*, member: Membership, by: User | None, now: datetime) -> None:
    """Take somebody out: logins to this workspace end; API keys that they made go on.

    :param by: the member who does it; None for staff.
    :raises RoleTooHigh: it is an owner, and `by` is not.
    :raises LastOwner: nobody else owns the workspace.
    """
    lock(member.tenant)
    current = members.member_of(member.tenant, member.public_id)
    _check_owner_touched(current, by)
    _take_out(current, by, now)


@transaction.atomic
def leave(*, tenant: Tenant, user: User, now: datetime) -> None:
    """Go: one's own logins to this workspace end, this one included.

    :raises LastOwner: nobody else owns the workspace; make somebody an owner, or delete it.
    """
    lock(tenant)
    _take_out(members.membership_of(tenant, user), user, now)


def add(
    *, tenant: Tenant, user: User, role: Role, by: User | None, now: datetime
) -> Membership:
    """Make somebody a member, in the caller's transaction.

    :raises AlreadyMember: they are one.
    """
    place, created = Membership.objects.get_or_create(
        tenant=tenant, user=user, defaults={"role": role}
    )
    if not created:
        raise AlreadyMember("You belong to this workspace already.")
    _record("member.added", place, by, now, after={"role": str(role)})
    return place


def lock(tenant: Tenant) -> None:
    """Let one transaction at a time change who belongs to a tenant.

    Not the key of the row: foreign keys to the tenant need not wait.
    """
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)


def check_grant(*, tenant: Tenant, role: Role, by: User | None) -> None:
    """Refuse to give more than one has.

    :raises RoleTooHigh: `by` lacks something that the role may do.
    """
    if by is None:
        return
    own = Role(members.membership_of(tenant, by).role)
    if not GRANTS[role] <= GRANTS[own]:
        raise RoleTooHigh(
            f"As {own.label.lower()} you cannot give the role {role.label.lower()}."
        )


def _check_owner_touched(member: Membership, by: User | None) -> None:
    if by is None or member.role != Role.OWNER:
        return
    if members.membership_of(member.tenant, by).role != Role.OWNER:
        raise RoleTooHigh("Only an owner can do this to an owner.")


def _keep_an_owner(member: Membership) -> None:
    if member.role != Role.OWNER:
        return
    owners = members.members_of(member.tenant).filter(role=Role.OWNER, user__is_active=True)
    if not owners.exclude(pk=member.pk).exists():
        raise LastOwner("The last owner cannot go. Make somebody else an owner first.")


def _take_out(member: Membership, by: User | None, now: datetime) -> None:
    _keep_an_owner(member)
    _record("member.removed", member, by, now, before={"role": member.role})
    member.delete()
    actor = by.public_id if by else audit.SYSTEM
    for row in _logins(member):
        login.revoke(login_session=row, now=now, actor=actor)


def _forget_logins(member: Membership) -> None:
    for row in _logins(member):
        selectors.forget(row.public_id)


def _logins(member: Membership) -> list[LoginSession]:
    theirs = LoginSession.objects.for_tenant(member.tenant).filter(user=member.user)
    return list(theirs.filter(revoked_at=None).select_related("tenant").order_by("pk"))


def _record(
    action: str, member: Membership, by: User | None, now: datetime, **members_: Any
) -> None:
    tenant, user = member.tenant, member.user
    audit.record(
        action=action,
        actor=by.public_id if by else audit.SYSTEM,
        now=now,
        tenant=tenant,
        target=user.public_id,
        **members_,
    )
    shard = f"tenant:{tenant.public_id}"
    payload = {"user_id": user.public_id, "role": str(member.role)}
    emit(action, tenant_id=tenant.pk, shard=shard, **payload)
