"""Write what runners report: a batch in one transaction, fenced by the lease's epoch.

The only place that knows both the engines' events and the services. Within a batch the
order of a session's reports is kept for its state; messages, outcomes and receipts are
written set by set, which their monotonic states allow.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DataError, IntegrityError, connection, transaction
from django.db import Error as DatabaseFailure

from sessions_app.ingest import reports, traffic, work
from sessions_app.ingest.states import observe
from sessions_app.models import Session
from sessions_app.services import handover, leases, lifecycle, pairing
from sessions_app.states import SessionStatus

logger = logging.getLogger(__name__)
_REMEMBER = """
UPDATE sessions_app_session session
SET observed_epoch = newest.epoch, observed_seq = newest.seq
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS newest (id, epoch, seq)
WHERE session.id = newest.id
"""


@dataclass(slots=True)
class Recorded:
    """What became of a batch.

    :param lost: (session id, epoch) of reports that were dropped: the lease is another's.
    """

    written: int = 0
    lost: set[tuple[int, int]] = field(default_factory=set)


def record(*, owner: str, batch: Sequence[reports.Report], now: datetime) -> Recorded:
    """Write a batch.

    Reports from a lost lease are dropped: somebody else speaks for the session now. A
    report that can't be written is logged and dropped alone, the rest is kept.

    :raises django.db.Error: the database is away or not ready for us; nothing was written.
    """
    try:
        return _record(owner, batch, now)
    except Exception as error:
        if _is_the_databases_fault(error):
            raise
        # The edge of the runner: one report must not end every session's traffic.
        if len(batch) > 1:
            return _record_one_by_one(owner, batch, now)
        logger.exception("Report refused", extra={"kind": type(batch[0]).__name__})
        return Recorded()


def _record_one_by_one(owner: str, batch: Sequence[reports.Report], now: datetime) -> Recorded:
    recorded = Recorded()
    for report in batch:
        one = record(owner=owner, batch=[report], now=now)
        recorded.written += one.written
        recorded.lost |= one.lost
    return recorded


def _is_the_databases_fault(error: Exception) -> bool:
    return isinstance(error, DatabaseFailure) and not isinstance(
        error, DataError | IntegrityError
    )


@transaction.atomic
def _record(owner: str, batch: Sequence[reports.Report], now: datetime) -> Recorded:
    # Of two epochs of a session only the newer one can be ours.
    epochs: dict[int, int] = {}
    for report in batch:
        epochs[report.session_id] = max(report.epoch, epochs.get(report.session_id, 0))
    held = leases.lock_held(owner=owner, epochs=epochs)
    ours = {(session_id, epochs[session_id]) for session_id in held}
    current = [report for report in batch if (report.session_id, report.epoch) in ours]
    if len(current) < len(batch):
        logger.warning("Stale reports dropped", extra={"count": len(batch) - len(current)})
    sessions = Session.objects.select_related("tenant").defer("engine_secret").in_bulk(held)
    _change_states(sessions, current, now=now)
    traffic.write(sessions, current, now=now)
    work.write(current, now=now)
    left = [report for report in current if isinstance(report, reports.Left)]
    handover.disconnect(
        epochs={sessions[report.session_id]: report.epoch for report in left}, now=now
    )
    spoken_for = {(report.session_id, report.epoch) for report in batch}
    return Recorded(len(current), spoken_for - ours)


def _change_states(
    sessions: dict[int, Session], batch: Sequence[reports.Report], *, now: datetime
) -> None:
    """Apply what changes states, in order, and each of it once.

    A batch whose commit got no answer is written again: what it says by then is history.
    """
    newest: dict[int, tuple[int, int]] = {}
    for report in batch:
        session = sessions[report.session_id]
        match report:
            case reports.Observed(seq=seq) | reports.Moved(seq=seq) if seq:
                number = (report.epoch, seq)
                if number <= (session.observed_epoch, session.observed_seq):
                    continue
                session.observed_epoch, session.observed_seq = newest[session.pk] = number
                _change_state(session, report, now=now)
            case reports.Observed() | reports.PairingCodeIssued():
                _change_state(session, report, now=now)
    _remember(newest)


def _remember(newest: dict[int, tuple[int, int]]) -> None:
    if not newest:
        return
    epochs, numbers = zip(*newest.values(), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER, [list(newest), list(epochs), list(numbers)])


def _change_state(session: Session, report: reports.Report, *, now: datetime) -> None:
    epoch = report.epoch
    try:
        match report:
            case reports.Observed(event=event, retry_at=retry_at):
                observe(session, event, now=now, epoch=epoch, retry_at=retry_at)
            case reports.PairingCodeIssued(code=code, valid_for=valid_for):
                pairing.offer_code(
                    session=session, code=code, valid_for=valid_for, now=now, epoch=epoch
                )
            case reports.Moved():
                _move(session, report, now=now)
    except lifecycle.IllegalTransition as error:
        # The engine repeats itself, or the session was deleted meanwhile: the table decides.
        logger.info("Report had no effect", extra={"reason": error.message})


def _move(session: Session, report: reports.Moved, *, now: datetime) -> None:
    if report.status == SessionStatus.STOPPED:
        lifecycle.settle_stop(session, now=now, reason=report.reason, epoch=report.epoch)
        return
    lifecycle.transition(
        session, report.status, now=now, reason=report.reason, epoch=report.epoch
    )
