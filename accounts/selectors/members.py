"""The people of a workspace, those who are invited, and the workspaces of a person."""

from datetime import datetime

from django.db.models import QuerySet

from accounts import keys
from accounts.models import Invitation, Membership, Tenant, TenantStatus, User
from accounts.selectors.lookup import find
from orsta.core import errors


class UnknownMember(errors.Missing):
    """There is no such member in this workspace."""

    code = "member_not_found"


class UnknownInvitation(errors.Missing):
    """There is no such invitation, or it was accepted, withdrawn, or is too old."""

    code = "invitation_not_found"


def members_of(tenant: Tenant) -> QuerySet[Membership]:
    """Return the members with their people."""
    return Membership.objects.for_tenant(tenant).select_related("user")


def member_of(tenant: Tenant, public_id: str) -> Membership:
    """Return one member.

    :raises UnknownMember: it does not exist, or is another tenant's.
    """
    member: Membership | None = members_of(tenant).filter(public_id=public_id).first()
    if member is None:
        raise UnknownMember("There is no such member.")
    return member


def membership_of(tenant: Tenant, user: User) -> Membership:
    """Return what a person is to a tenant.

    :raises UnknownMember: nothing.
    """
    member: Membership | None = members_of(tenant).filter(user=user).first()
    if member is None:
        raise UnknownMember("You are not a member of this workspace.")
    return member


def invitations_of(tenant: Tenant) -> QuerySet[Invitation]:
    """Return the invitations that nobody has answered; some may have expired."""
    open_ = Invitation.objects.for_tenant(tenant).filter(accepted_at=None, revoked_at=None)
    return open_.select_related("invited_by")


def invitation_of(tenant: Tenant, public_id: str) -> Invitation:
    """Return one open invitation.

    :raises UnknownInvitation: it does not exist, is closed, or is another tenant's.
    """
    found: Invitation | None = invitations_of(tenant).filter(public_id=public_id).first()
    if found is None:
        raise UnknownInvitation("There is no such invitation.")
    return found


def invitation_behind(token: str, *, now: datetime) -> Invitation:
    """Return the invitation that a mailed link opens.

    :raises UnknownInvitation: it opens none, or none any more.
    """
    living = Invitation.objects.filter(
        accepted_at=None,
        revoked_at=None,
        expires_at__gt=now,
        tenant__status=TenantStatus.ACTIVE,
    ).select_related("tenant", "invited_by")
    found: Invitation | None = find(living, token, keys.KeyType.INVITATION)
    if found is None:
        raise UnknownInvitation("This invitation does not work any more. Ask for another one.")
    return found


def workspaces_of(user: User) -> QuerySet[Membership]:
    """Return a person's places in workspaces that still exist, the first it joined first."""
    there = Membership.objects.filter(user=user).exclude(tenant__status=TenantStatus.PURGED)
    return there.select_related("tenant").order_by("pk")
