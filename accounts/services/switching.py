"""Move a login from one workspace of its person to another."""

from datetime import datetime

from django.db import transaction

from accounts import selectors
from accounts.models import LoginSession, Membership, User
from accounts.selectors import members
from accounts.services import audit
from orsta.core import errors
from orsta.core.outbox.services import emit


class UnknownWorkspace(errors.Missing):
    """The person belongs to no such workspace."""

    code = "workspace_not_found"


@transaction.atomic
def switch(*, user: User, login_id: str, tenant_id: str, now: datetime) -> Membership:
    """Let a login act for another workspace from now on; its open sockets end.

    :param login_id: the public id of the login.
    :param tenant_id: the public id of the workspace.
    :raises UnknownWorkspace: the person is no member there.
    """
    place = members.workspaces_of(user).filter(tenant__public_id=tenant_id).first()
    if place is None:
        raise UnknownWorkspace("You belong to no such workspace.")
    rows = LoginSession.objects.filter(user=user, public_id=login_id)
    login = rows.select_related("tenant").select_for_update(of=("self",)).get()
    if login.tenant_id == place.tenant_id:
        return place
    rows.update(tenant=place.tenant)
    selectors.forget(login_id)
    audit.record(
        action="login_session.moved",
        actor=user.public_id,
        now=now,
        tenant=place.tenant,
        target=login_id,
        before={"tenant": login.tenant.public_id},
        after={"tenant": place.tenant.public_id},
    )
    emit(
        "login_session.moved",
        tenant_id=login.tenant_id,
        shard=f"tenant:{login.tenant.public_id}",
        credential_id=login_id,
    )
    return place
