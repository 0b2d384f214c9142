"""Places in a workspace, offered by mail.

Whoever shows the token of an invitation reads the address that it was mailed to: accepting
it verifies that address.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts import keys
from accounts.models import Invitation, Membership, Role, Tenant, User
from accounts.selectors import members as roster
from accounts.services import audit, login, mail, members, signup, throttle, tokens
from orsta.core import errors

LIFETIME = timedelta(days=7)
MAX_OPEN = 100  # per workspace: nobody mails the world through us
PAGE = "console/invitation"
TEMPLATE = "invitation"


class AlreadyInvited(errors.Conflict):
    """The address has an open invitation; it can be sent again."""

    code = "already_invited"


class TooManyInvitations(errors.Conflict):
    """Too many invitations of the workspace are open."""

    code = "too_many_invitations"


class WrongAddress(errors.Denied):
    """The invitation was sent to another address than the one the person logs in with."""

    code = "invitation_for_another"


@dataclass(frozen=True, slots=True)
class Joined:
    """A new person in a workspace, logged in."""

    user: User
    tenant: Tenant
    role: str
    tokens: tokens.Tokens


@transaction.atomic
def invite(
    *,
    tenant: Tenant,
    email: str,
    role: Role,
    by: User,
    ip: str | None = None,
    now: datetime,
) -> Invitation:
    """Offer a place to an address; the mail leaves when this commits.

    :raises InvalidSignUp: it is no e-mail address.
    :raises RoleTooHigh: the role may do what `by` may not.
    :raises AlreadyMember: the address belongs to a member.
    :raises AlreadyInvited: it was invited, and the invitation is still good.
    :raises TooManyInvitations: `MAX_OPEN` are open.
    :raises LimitReached: too many mails to this address, or asked for from this one.
    """
    address = signup.clean_email(email)
    throttle.ask_for_mail(email=address, address=ip)
    members.lock(tenant)
    members.check_grant(tenant=tenant, role=role, by=by)
    _make_room(tenant, address, now)
    key = keys.mint(keys.KeyType.INVITATION)
    invitation = Invitation.objects.create(
        tenant=tenant,
        email=address,
        role=role,
        invited_by=by,
        expires_at=now + LIFETIME,
        **tokens.stored(key),
    )
    after = {"email": _masked(address), "role": str(role)}
    _record("invitation.sent", invitation, by.public_id, now, after=after)
    _mail(invitation, key, by, now)
    return invitation


@transaction.atomic
def resend(
    *, invitation: Invitation, by: User, ip: str | None = None, now: datetime
) -> Invitation:
    """Mail a new link, good for the full time; the one before it opens nothing any more.

    :raises UnknownInvitation: it was answered or withdrawn meanwhile.
    :raises RoleTooHigh: the role may do what `by` may not.
    :raises LimitReached: too many mails to this address, or asked for from this one.
    """
    throttle.ask_for_mail(email=invitation.email, address=ip)
    members.lock(invitation.tenant)
    current = roster.invitation_of(invitation.tenant, invitation.public_id)
    members.check_grant(tenant=current.tenant, role=Role(current.role), by=by)
    key = keys.mint(keys.KeyType.INVITATION)
    renewed = {"expires_at": now + LIFETIME, **tokens.stored(key)}
    Invitation.objects.filter(pk=current.pk).update(**renewed)
    current.refresh_from_db()
    _record("invitation.resent", current, by.public_id, now)
    _mail(current, key, by, now)
    return current


@transaction.atomic
def revoke(*, invitation: Invitation, actor: str, now: datetime) -> None:
    """Withdraw an invitation; one that is closed stays as it is."""
    if _close(invitation, revoked_at=now):
        _record("invitation.revoked", invitation, actor, now)


@transaction.atomic
def accept(*, token: str, user: User, ip: str | None = None, now: datetime) -> Membership:
    """Take the place, as somebody who has an account.

    :raises UnknownInvitation: the token opens nothing, or nothing any more.
    :raises WrongAddress: it was sent to another address.
    :raises AlreadyMember: they have a place there.
    :raises LimitReached: too many tokens were tried from this address.
    """
    throttle.try_code(name="", address=ip)
    invitation = roster.invitation_behind(token, now=now)
    if invitation.email != user.email:
        raise WrongAddress("This invitation was sent to another address than yours.")
    _verify_address(user, now)
    return _take(invitation, user, now)


def accept_new(
    *,
    token: str,
    username: str,
    password: str,
    ip: str | None = None,
    user_agent: str = "",
    now: datetime,
) -> Joined:
    """Take the place, as somebody who is new here; their address is the one that was invited.

    :raises UnknownInvitation: the token opens nothing, or nothing any more.
    :raises InvalidSignUp: a value breaks a rule.
    :raises AlreadyExists: the user name is taken, or the address has an account.
    :raises LimitReached: too many accounts from this address.
    """
    throttle.sign_up(address=ip)
    invitation = roster.invitation_behind(token, now=now)
    user = signup.draft(username=username, email=invitation.email, password=password)
    user.email_verified_at = now
    with transaction.atomic():
        signup.save(user)
        member = _take(invitation, user, now)
        opened = login.open_session(
            user=user, tenant=invitation.tenant, ip=ip, user_agent=user_agent, now=now
        )
    return Joined(user, invitation.tenant, member.role, opened)


def _make_room(tenant: Tenant, address: str, now: datetime) -> None:
    if roster.members_of(tenant).filter(user__email=address).exists():
        raise members.AlreadyMember("This person belongs to the workspace already.")
    open_ = roster.invitations_of(tenant)
    before = open_.filter(email=address).first()
    if before is not None:
        if before.expires_at > now:
            raise AlreadyInvited("This address is invited already; send it again instead.")
        _close(before, revoked_at=now)
    if open_.count() >= MAX_OPEN:
        raise TooManyInvitations(f"{MAX_OPEN} invitations are open. Withdraw some first.")


def _take(invitation: Invitation, user: User, now: datetime) -> Membership:
    if not _close(invitation, accepted_at=now):
        raise roster.UnknownInvitation("This invitation was used already.")
    _record("invitation.accepted", invitation, user.public_id, now)
    role = Role(invitation.role)
    return members.add(tenant=invitation.tenant, user=user, role=role, by=user, now=now)


def _verify_address(user: User, now: datetime) -> None:
    unverified = User.objects.filter(pk=user.pk, email_verified_at=None)
    if unverified.update(email_verified_at=now):
        user.email_verified_at = now


def _close(invitation: Invitation, **columns: datetime) -> bool:
    """Answer or withdraw it; only one of two callers wins."""
    open_ = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    return open_.update(**columns) == 1


def _masked(address: str) -> str:
    """Return what may stay in the audit log when the tenant is purged."""
    name, _, host = address.partition("@")
    return f"{name[:1]}…@{host}"


def _mail(invitation: Invitation, key: keys.Key, by: User, now: datetime) -> None:
    context = {
        "workspace": invitation.tenant.name,
        "role": Role(invitation.role).label,
        "inviter": by.username,
        "days": LIFETIME.days,
        "url": mail.link(PAGE, token=key.render()),
    }
    tenant, address = invitation.tenant, invitation.email
    mail.queue(template=TEMPLATE, to=address, context=context, now=now, tenant=tenant)


def _record(
    action: str, invitation: Invitation, actor: str, now: datetime, **members_: Any
) -> None:
    target, tenant = invitation.public_id, invitation.tenant
    audit.record(action=action, actor=actor, now=now, tenant=tenant, target=target, **members_)
