"""What staff do to people: edit them, shut them out, let them back in."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.services import audit, login, proofs


@transaction.atomic
def edited(*, user: User, fields: Collection[str], now: datetime, actor: str) -> None:
    """Note what staff changed about a person; nobody has proved a new address yet.

    What was mailed to the old address opens nothing any more.

    :param fields: the names of the columns that changed, or that a new person was given.
    """
    if "email" in fields:
        User.objects.filter(pk=user.pk).update(email_verified_at=None)
        user.email_verified_at = None
        proofs.void(user=user, now=now)
    rights = {"staff": user.is_staff, "superuser": user.is_superuser}
    audit.record(
        action="user.edited",
        actor=actor,
        now=now,
        target=user.public_id,
        after=rights | {"groups": sorted(user.groups.values_list("name", flat=True))},
        fields=sorted(fields),
    )


@transaction.atomic
def deactivate(*, user: User, now: datetime, actor: str = audit.SYSTEM) -> None:
    """Shut a person out and end all its logins; one that is out stays as it is."""
    if _switch(user, active=False):
        audit.record(action="user.deactivated", actor=actor, now=now, target=user.public_id)
        login.revoke_all(user=user, now=now, actor=actor)


@transaction.atomic
def reactivate(*, user: User, now: datetime, actor: str = audit.SYSTEM) -> None:
    """Let a person log in again; one that may stays as it is."""
    if _switch(user, active=True):
        audit.record(action="user.reactivated", actor=actor, now=now, target=user.public_id)


def _switch(user: User, *, active: bool) -> bool:
    moved = User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active)
    user.is_active = active
    return moved == 1
