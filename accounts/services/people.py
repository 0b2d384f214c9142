"""Shut people out and let them back in."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.services import audit, login


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
