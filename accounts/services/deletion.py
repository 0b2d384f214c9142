"""Deleting one's workspace: only who proves to be its owner, and means it."""

from datetime import datetime

from django.db import transaction

from accounts.models import Role, Tenant, User
from accounts.selectors import members
from accounts.services import mail, passwords, tenants, throttle
from orsta.core import errors


class NameMismatch(errors.Mismatch):
    """The name that was typed to confirm is not the workspace's."""

    code = "name_mismatch"


def request(
    *,
    tenant: Tenant,
    by: User,
    password: str,
    confirm: str,
    ip: str | None = None,
    now: datetime,
) -> Tenant:
    """Schedule the deletion, and tell every owner by mail how to cancel it.

    :raises LimitReached: too many passwords were tried.
    :raises WrongPassword: it is not the person's.
    :raises NameMismatch: `confirm` is not the workspace's name.
    :raises TenantEnding: it is gone already.
    """
    throttle.log_in(name=by.email, address=ip)
    if not by.check_password(password):
        raise passwords.WrongPassword("The password is not right.")
    throttle.logged_in(name=by.email)
    if confirm.strip() != tenant.name:
        raise NameMismatch("Type the name of the workspace exactly as it is.")
    with transaction.atomic():
        scheduled = tenant.purge_at
        ending = tenants.schedule_deletion(tenant=tenant, actor=by.public_id, now=now)
        if ending.purge_at != scheduled:
            _tell_owners(ending, now)
    return ending


def _tell_owners(tenant: Tenant, now: datetime) -> None:
    owners = members.members_of(tenant).filter(role=Role.OWNER, user__is_active=True)
    for owner in owners.order_by("pk"):
        mail.queue(
            template="workspace_deletion",
            to=owner.user.email,
            context={
                "username": owner.user.username,
                "workspace": tenant.name,
                "date": f"{tenant.purge_at:%B %-d, %Y}",
                "url": mail.link("console/workspace"),
            },
            now=now,
            tenant=tenant,
        )
