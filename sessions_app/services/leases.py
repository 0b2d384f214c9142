"""Which runner owns which session: rows with a term and a fencing epoch.

Expiry is judged by the database's clock. A runner renews all its leases at once; a write on
behalf of a session happens in a transaction that holds the session's lease row at the
writer's epoch (`lock_held`), so a runner that lost a lease can't write any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import BooleanField, F, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from orsta.core import doorbell
from sessions_app import selectors
from sessions_app.engines.base import SessionRef
from sessions_app.models import Lease, Runner, Session
from sessions_app.services import engine_refs, lifecycle
from sessions_app.services.commands import BELL
from sessions_app.states import LIVE, DesiredState, SessionStatus

LEASE_TTL = timedelta(seconds=30)  # three renewals
RENEW_EVERY = timedelta(seconds=10)
SELF_STOP_AFTER = timedelta(seconds=20)  # leaves 10 s to close before anybody else may connect
# What promises that a connection stands; the rest of LIVE says itself that none does.
_BELIEVED = LIVE - {SessionStatus.STARTING, SessionStatus.DISCONNECTED}
_COMPARED = (
    "pk",
    "desired",
    "hold",
    "status",
    "retry_at",
    "status_changed_at",
    "auto_read_enabled",
    "typing_enabled",
)
_CLAIMED = (
    "epoch",
    "session__public_id",
    "session__engine",
    "session__status",
    "session__retry_at",
)
RUNNER_FORGOTTEN_AFTER = timedelta(days=1)
SPARED_SECONDS = 3  # a free session is left to the runner that it prefers
_PREFERS = """(
    SELECT seat FROM unnest(%s::text[]) AS seat
    ORDER BY hashtextextended(seat || ' ' || sessions_app_lease.session_id, 0) DESC LIMIT 1
) = %s"""
# Since when it is free and wanted: both rows say when they changed last.
_SPARED = Now() - timedelta(seconds=SPARED_SECONDS)
_SPARED_LONG_ENOUGH = Q(session__updated_at__lt=_SPARED) & (
    Q(expires_at=None) | Q(expires_at__lt=_SPARED)
)
_RELEASE = """
UPDATE sessions_app_lease lease SET owner = '', expires_at = now()
FROM unnest(%s::bigint[], %s::bigint[]) AS held (session_id, epoch)
WHERE lease.session_id = held.session_id AND lease.epoch = held.epoch AND lease.owner = %s
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A session that became ours, at this epoch."""

    session_id: int
    public_id: str
    engine: str
    status: str
    epoch: int
    retry_at: datetime | None = None


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
def claim(
    *, owner: str, limit: int, now: datetime, seats: Sequence[str] = ("",), seat: str = ""
) -> list[Claim]:
    """Take up to `limit` free sessions that need an owner; two runners never get the same.

    Each session prefers one of the runners (rendezvous hashing: the highest hash of seat and
    session wins), which keeps what it has when others come and go. The others leave it to
    that one for `SPARED_SECONDS`.

    :param seats: of all runners that could take sessions; see `seating`.
    :param seat: the owner's.
    """
    free = Lease.objects.filter(Q(owner="") | Q(expires_at__lt=Now()))
    needy = free.filter(session_id__in=Session.objects.filter(wanted(now=now)).values("pk"))
    order = ["pk"]
    if len(seats) > 1:
        waits_long = Q(pk__in=needy.filter(_SPARED_LONG_ENOUGH).values("pk"))
        preferring = RawSQL(_PREFERS, [list(seats), seat], BooleanField())  # noqa: S611
        needy = needy.annotate(prefers_us=preferring)
        needy = needy.filter(Q(prefers_us=True) | waits_long)
        order = ["-prefers_us", "pk"]
    taken = needy.select_for_update(skip_locked=True, of=("self",)).order_by(*order)
    ids = list(taken.values_list("pk", flat=True)[:limit])
    if not ids:
        return []
    Lease.objects.filter(pk__in=ids).update(
        owner=owner, epoch=F("epoch") + 1, expires_at=Now() + LEASE_TTL
    )
    leases = Lease.objects.filter(pk__in=ids).select_related("session").only(*_CLAIMED)
    return [_claimed(lease) for lease in leases.order_by("pk")]


def _claimed(lease: Lease) -> Claim:
    session = lease.session
    return Claim(
        lease.pk,
        session.public_id,
        session.engine,
        session.status,
        lease.epoch,
        session.retry_at,
    )


def seating(*, owner: str, now: datetime) -> dict[str, str]:
    """Return the seats of the runners that could take sessions, the owner's among them.

    A seat is the runner's node, without what makes the process unique: a restarted runner
    sits where it sat. Several on one node are numbered in the order of their starts.
    """
    alive = Q(heartbeat_at__gt=now - selectors.RUNNER_SILENT_AFTER, draining=False)
    able = alive & Q(sessions__lt=F("capacity"))
    runners = Runner.objects.filter(able | Q(node=owner)).order_by("started_at", "node")
    nodes = list(runners.values_list("node", flat=True))
    if owner not in nodes:
        nodes.append(owner)  # its first sign of life is not written yet
    seats: dict[str, str] = {}
    for node in nodes:
        place, number = _place(node), 0
        while f"{place}/{number}" in seats.values():
            number += 1
        seats[node] = f"{place}/{number}"
    return seats


def _place(node: str) -> str:
    """Return "host" of "host:1234:abcdef"."""
    return node.rsplit(":", 2)[0]


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
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [list(epochs), list(epochs.values()), owner])
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


def ref_of(*, session_id: int, epoch: int, forgetting: bool = False) -> SessionRef:
    """Return what the engine may know for its next connection, or to forget the session.

    :raises Unusable: the session must not connect now.
    """
    session = Session.objects.select_related("gateway", "proxy").get(pk=session_id)
    return engine_refs.ref_of(session, epoch=epoch, forgetting=forgetting)


def beat(
    *,
    node: str,
    version: str,
    capacity: int,
    sessions: int,
    draining: bool,
    now: datetime,
    load: float = 0.0,
) -> bool:
    """Write the runner's sign of life; return whether staff want it to drain and end.

    The first one makes its row.

    :param load: processes that wait for a CPU, per CPU.
    """
    said = {
        "version": version,
        "capacity": capacity,
        "sessions": sessions,
        "draining": draining,
        "load": load,
        "heartbeat_at": now,
    }
    runner, _ = Runner.objects.update_or_create(
        node=node, defaults=said, create_defaults=said | {"started_at": now}
    )
    return runner.drain_requested_at is not None


def leave(*, node: str) -> None:
    """Remove the runner's row after a clean stop."""
    Runner.objects.filter(node=node).delete()


def forget_runners(*, now: datetime) -> None:
    """Remove the rows of runners that died long ago."""
    Runner.objects.filter(heartbeat_at__lt=now - RUNNER_FORGOTTEN_AFTER).delete()


def orphans() -> QuerySet[Session]:
    """Return sessions that look alive but whose owner let its term run out."""
    unowned = Q(lease__owner="") | Q(lease__expires_at__lt=Now())
    return Session.objects.filter(unowned, status__in=_BELIEVED)


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
