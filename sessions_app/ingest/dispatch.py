"""Write what runners report: a batch in one transaction, fenced by the lease's epoch.

The only place that knows both the engines' events and the services. Within a batch the
order of a session's reports is kept for its state; messages, outcomes and receipts are
written set by set, which their monotonic states allow.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from django.db import DataError, IntegrityError, transaction
from django.db import Error as DatabaseFailure

from sessions_app.contacts.services import syncing
from sessions_app.engines import events
from sessions_app.ingest import reports
from sessions_app.ingest.states import observe
from sessions_app.messaging.services import inbound, outcomes, receipts
from sessions_app.models import Session
from sessions_app.services import commands, leases, lifecycle
from sessions_app.states import SessionStatus

logger = logging.getLogger(__name__)
_Event = TypeVar("_Event", events.MessageReceived, events.MessagesRead, events.ReceiptReceived)


def record(*, owner: str, batch: Sequence[reports.Report], now: datetime) -> int:
    """Write a batch; return how many reports were written.

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
            return sum(record(owner=owner, batch=[report], now=now) for report in batch)
        logger.exception("Report refused", extra={"kind": type(batch[0]).__name__})
        return 0


def _is_the_databases_fault(error: Exception) -> bool:
    return isinstance(error, DatabaseFailure) and not isinstance(
        error, DataError | IntegrityError
    )


@transaction.atomic
def _record(owner: str, batch: Sequence[reports.Report], now: datetime) -> int:
    held = leases.lock_held(
        owner=owner, epochs={report.session_id: report.epoch for report in batch}
    )
    current = [report for report in batch if report.session_id in held]
    if len(current) < len(batch):
        logger.warning("Stale reports dropped", extra={"count": len(batch) - len(current)})
    sessions = Session.objects.select_related("tenant").in_bulk(held)
    for report in current:
        _change_state(sessions[report.session_id], report, now=now)
    _write_messages(sessions, current, now=now)
    _write_endings(current, now=now)
    return len(current)


def _change_state(session: Session, report: reports.Report, *, now: datetime) -> None:
    try:
        match report:
            case reports.Observed(event=event):
                observe(session, event, now=now, epoch=report.epoch)
            case reports.Moved():
                _move(session, report, now=now)
            case _:
                return
    except lifecycle.IllegalTransition as error:
        # The engine repeats itself, or the session was deleted meanwhile: the table decides.
        logger.info("Report had no effect", extra={"reason": error.message})


def _move(session: Session, report: reports.Moved, *, now: datetime) -> None:
    if report.status == SessionStatus.STOPPED:
        lifecycle.settle_stop(session, now=now, reason=report.reason, epoch=report.epoch)
        return
    ends = report.status == SessionStatus.FAULTED
    move = lifecycle.give_up if ends else lifecycle.transition
    move(session, report.status, now=now, reason=report.reason, epoch=report.epoch)


def _write_messages(
    sessions: dict[int, Session], batch: Sequence[reports.Report], *, now: datetime
) -> None:
    sent = [
        report.outcome
        for report in batch
        if isinstance(report, reports.Executed) and report.outcome is not None
    ]
    if sent:
        outcomes.record(outcomes=sent, now=now)
    if received := _observed(sessions, batch, events.MessageReceived):
        inbound.record(received=received, now=now)
    if read := _observed(sessions, batch, events.MessagesRead):
        inbound.mark_read(read=read)
    if acknowledged := _observed(sessions, batch, events.ReceiptReceived):
        receipts.apply(receipts=acknowledged, now=now)


def _observed(
    sessions: dict[int, Session], batch: Sequence[reports.Report], kind: type[_Event]
) -> list[tuple[Session, _Event]]:
    return [
        (sessions[report.session_id], report.event)
        for report in batch
        if isinstance(report, reports.Observed) and isinstance(report.event, kind)
    ]


def _write_endings(batch: Sequence[reports.Report], *, now: datetime) -> None:
    endings = [report.ending for report in batch if isinstance(report, reports.Executed)]
    if endings:
        commands.finish(finished=endings, now=now)
    for report in batch:
        match report:
            case reports.PutOff(command_id=command_id, not_before=not_before, error=error):
                commands.put_off(command_id=command_id, not_before=not_before, error=error)
            case reports.ContactsFetched(entries=[]):
                syncing.finish_fetch(sync_id=report.sync_id, now=now)
            case reports.ContactsFetched(number=number, entries=entries):
                syncing.store_page(
                    sync_id=report.sync_id, number=number, entries=entries, now=now
                )
            case reports.ContactsFailed(sync_id=sync_id, error=error):
                syncing.fail(sync_id=sync_id, error=error, now=now)
