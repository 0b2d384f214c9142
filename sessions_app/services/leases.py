"""Which runner owns which session: rows with a term and a fencing epoch.

Expiry is judged by the database's clock. A runner renews all its leases at once; a write on
behalf of a session happens in a transaction that holds the session's lease row at the
writer's epoch (`lock_held`), so a runner that lost a lease can't write any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from orsta.core import doorbell
from sessions_app.models import Lease, Runner, Session
from sessions_app.services import lifecycle
from sessions_app.services.commands import BELL
from sessions_app.states import LIVE, DesiredState, SessionStatus

LEASE_TTL = timedelta(seconds=30)  # three renewals
RENEW_EVERY = timedelta(seconds=10)
SELF_STOP_AFTER = timedelta(seconds=20)  # leaves 10 s to close before anybody else may connect
_COMPARED = (
    "pk",
    "desired",
    "hold",
    "status",
    "retry_at",
    "auto_read_enabled",
    "typing_enabled",
)
RUNNER_FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """A session that became ours, at this epoch."""

    session_id: int
    public_id: str
    engine: str
    status: str
    epoch: int


def wanted(*, now: datetime) -> Q:
    """Return the condition on sessions that need an owner.

    Those that should run and can; those whose connection has to be closed; those whose
    device has to be forgotten.
    """
    running = Q(desired=DesiredState.RUNNING, hold="") & (
        Q(status__in=LIVE) | Q(status=SessionStatus.BANNED, retry_at__lte=now)
    )
    held = Q(desired=DesiredState.RUNNING, status__in=LIVE) & ~Q(hold="")
    closing = Q(desired=DesiredState.STOPPED, status__in=LIVE) | held
    deleting = Q(desired=DesiredState.DELETED) & ~Q(status=SessionStatus.DELETED)
    return (running | closing | deleting) & ~Q(provisioned_at=None, status__in=LIVE)


@transaction.atomic
def claim(*, owner: str, limit: int, now: datetime) -> list[Claim]:
    """Take up to `limit` free sessions that need an owner; two runners never get the same."""
    free = Lease.objects.filter(Q(owner="") | Q(expires_at__lt=Now()))
    needy = free.filter(session_id__in=Session.objects.filter(wanted(now=now)).values("pk"))
    taken = (
        needy.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)
    )
    ids = list(taken[:limit])
    if not ids:
        return []
    Lease.objects.filter(pk__in=ids).update(
        owner=owner, epoch=F("epoch") + 1, expires_at=Now() + LEASE_TTL
    )
    leases = Lease.objects.filter(pk__in=ids).select_related("session").order_by("pk")
    return [
        Claim(
            lease.pk,
            lease.session.public_id,
            lease.session.engine,
            lease.session.status,
            lease.epoch,
        )
        for lease in leases
    ]


def renew(*, owner: str, session_ids: Iterable[int]) -> dict[int, int]:
    """Extend what `owner` has of these leases; return {session id: epoch} of that.

    The others of its leases run out: it closed their connections without a release, and
    whoever claims them next, itself included, starts afresh.
    """
    mine = Lease.objects.filter(owner=owner, pk__in=session_ids)
    mine.update(expires_at=Now() + LEASE_TTL)
    return dict(mine.values_list("pk", "epoch"))


def release(*, owner: str, epochs: Mapping[int, int]) -> None:
    """Give sessions back, so that another runner can take them at once."""
    for session_id, epoch in epochs.items():
        Lease.objects.filter(pk=session_id, owner=owner, epoch=epoch).update(
            owner="", expires_at=None
        )
    doorbell.ring(BELL)


def lock_held(*, owner: str, epochs: Mapping[int, int]) -> set[int]:
    """Hold the lease rows that `owner` has at these epochs until the transaction ends.

    Returns the session ids; what is missing was lost, and nothing may be written for it.
    """
    rows = Lease.objects.filter(pk__in=epochs, owner=owner).order_by("pk")
    held = rows.select_for_update(no_key=True).values_list("pk", "epoch")
    return {session_id for session_id, epoch in held if epochs[session_id] == epoch}


def states_of(session_ids: Sequence[int]) -> dict[int, Session]:
    """Return what the runner compares with what it does, for the sessions it owns."""
    rows = Session.objects.filter(pk__in=session_ids)
    return {row.pk: row for row in rows.only(*_COMPARED)}


def beat(
    *, node: str, version: str, capacity: int, sessions: int, draining: bool, now: datetime
) -> None:
    """Write the runner's sign of life; the first one makes its row."""
    Runner.objects.update_or_create(
        node=node,
        defaults={
            "version": version,
            "capacity": capacity,
            "sessions": sessions,
            "draining": draining,
            "heartbeat_at": now,
        },
        create_defaults={
            "version": version,
            "capacity": capacity,
            "sessions": sessions,
            "draining": draining,
            "heartbeat_at": now,
            "started_at": now,
        },
    )


def leave(*, node: str) -> None:
    """Remove the runner's row after a clean stop."""
    Runner.objects.filter(node=node).delete()


def forget_runners(*, now: datetime) -> None:
    """Remove the rows of runners that died long ago."""
    Runner.objects.filter(heartbeat_at__lt=now - RUNNER_FORGOTTEN_AFTER).delete()


def orphans() -> QuerySet[Session]:
    """Return sessions that look alive but whose owner let its term run out."""
    unowned = Q(lease__owner="") | Q(lease__expires_at__lt=Now())
    believed = frozenset({SessionStatus.CONNECTED, SessionStatus.PAIRING})
    return Session.objects.filter(unowned, status__in=believed)


def mark_orphans(*, now: datetime) -> int:
    """Say of such sessions that they are disconnected: nobody holds their connection."""
    count = 0
    for session in orphans().order_by("pk")[:1_000]:
        try:
            lifecycle.transition(
                session, SessionStatus.DISCONNECTED, now=now, reason="the runner is gone"
            )
        except lifecycle.IllegalTransition:
            continue  # a runner took it in the meantime
        count += 1
    return count
