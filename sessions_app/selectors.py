"""Reads of the session aggregate."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet
from prometheus_client.core import GaugeMetricFamily, Metric

from accounts.models import Tenant
from accounts.principal import Principal
from orsta.core import errors
from sessions_app.models import Command, PairingChallenge, Runner, Session
from sessions_app.states import CommandState, DesiredState, Hold, SessionStatus
from subscriptions import selectors as subscriptions

RUNNER_SILENT_AFTER = timedelta(seconds=30)  # three missed heartbeats


class SessionNotFound(errors.Missing):
    """No such session, or another tenant's."""

    code = "session_not_found"


class ChallengeNotReady(errors.Conflict):
    """There is no code to scan now."""

    code = "qr_not_ready"


def sessions_of(tenant: Tenant) -> QuerySet[Session]:
    """Return the tenant's sessions, without the deleted ones."""
    mine: QuerySet[Session] = Session.objects.for_tenant(tenant)
    return mine.exclude(desired=DesiredState.DELETED)


def session_of(tenant: Tenant, public_id: str) -> Session:
    """Return one session of the tenant.

    :raises SessionNotFound: it does not exist, is deleted, or is another tenant's.
    """
    session = sessions_of(tenant).filter(public_id=public_id).first()
    if session is None:
        raise SessionNotFound("There is no such session.")
    return session


def sessions_for(principal: Principal) -> QuerySet[Session]:
    """Return the sessions that a caller may see: its tenant's, or its key's few of them."""
    sessions = sessions_of(principal.tenant)
    if principal.session_ids is None:
        return sessions
    return sessions.filter(public_id__in=principal.session_ids)


def session_for(principal: Principal, public_id: str) -> Session:
    """Return one session that a caller may touch.

    :raises SessionNotFound: it is not there, another tenant's, or not in the key's list.
    """
    if not principal.may_touch(public_id):
        raise SessionNotFound("There is no such session.")
    return session_of(principal.tenant, public_id)


def hold_of(tenant: Tenant, *, now: datetime) -> Hold | None:
    """Return why the tenant's sessions may not run, None when they may."""
    if not tenant.is_active:
        return Hold.SUSPENDED
    if not subscriptions.entitlements_for(tenant=tenant, now=now).active:
        return Hold.EXPIRED
    return None


def challenge_of(session: Session, *, now: datetime) -> PairingChallenge:
    """Return the code to scan now.

    :raises ChallengeNotReady: the session is not waiting for a scan, or its code ran out.
    """
    if session.status == SessionStatus.PAIRING:
        current = PairingChallenge.objects.filter(session=session, expires_at__gt=now).first()
        if current is not None:
            return current
        raise ChallengeNotReady("The next code is on its way; ask again in a second.")
    label = SessionStatus(session.status).label.lower()
    raise ChallengeNotReady(f"There is no code to scan: the session is {label}.")


def command_of(session: Session, *, command_id: int) -> Command | None:
    """Return a command of the session, None when it is not there."""
    return Command.objects.filter(session=session, pk=command_id).first()


def count_by_status() -> dict[str, int]:
    """Return how many sessions are in each status, the deleted left out."""
    present = Session.objects.exclude(desired=DesiredState.DELETED)
    return dict(present.order_by().values_list("status").annotate(Count("pk")))


def live_runners(*, now: datetime) -> QuerySet[Runner]:
    """Return the runners that gave a sign of life lately."""
    return Runner.objects.filter(heartbeat_at__gt=now - RUNNER_SILENT_AFTER)


def metrics() -> Iterable[Metric]:
    """Yield what Prometheus wants to know of sessions and commands."""
    sessions = GaugeMetricFamily("orsta_sessions", "Sessions by status", labels=["status"])
    for status, count in count_by_status().items():
        sessions.add_metric([status], count)
    yield sessions
    queued = Command.objects.filter(state=CommandState.QUEUED).count()
    yield GaugeMetricFamily("orsta_commands_queued", "Commands that wait", value=queued)
