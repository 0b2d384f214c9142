"""Many connected sessions of one tenant, as rows of the transaction that measures them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessions_app.models import Session


def make_connected(count: int, *, since: datetime, **fields: Any) -> "list[Session]":
    """Save sessions that we believe to be connected since then."""
    from accounts.models import Tenant
    from sessions_app.models import Session
    from sessions_app.states import DesiredState, SessionStatus

    tenant = Tenant.objects.create(name="Bench")
    return Session.objects.bulk_create(
        Session(
            tenant=tenant,
            name=f"session {number}",
            status=SessionStatus.CONNECTED,
            desired=DesiredState.RUNNING,
            status_changed_at=since,
            provisioned_at=since,
            jid=f"1555{number:07}@s.whatsapp.net",
            **fields,
        )
        for number in range(count)
    )
