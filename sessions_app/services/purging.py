"""Remove every session of a tenant that is being purged."""

from datetime import datetime

from accounts.models import Tenant
from sessions_app.models import Session
from sessions_app.services import provisioning
from sessions_app.states import DesiredState, SessionStatus

_BATCH = 50  # a session takes its messages and contacts along


def purge(tenant: Tenant, now: datetime) -> bool:
    """Delete the tenant's sessions; say whether all are gone. Call again until they are.

    A session's row goes last: first a runner has to unlink its device and have the engine
    forget it.
    """
    mine = Session.objects.for_tenant(tenant)
    present = mine.exclude(desired=DesiredState.DELETED)
    for session in present.select_related("tenant").order_by("pk"):
        provisioning.delete_session(session=session, now=now)
    forgotten = mine.filter(status=SessionStatus.DELETED).order_by("pk")
    while batch := list(forgotten.values_list("pk", flat=True)[:_BATCH]):
        Session.objects.filter(pk__in=batch).delete()
    return not mine.exists()
