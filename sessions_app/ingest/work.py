"""Write what became of the work that runners had: commands, address books, webhooks."""

from collections.abc import Sequence
from datetime import datetime

from sessions_app.contacts.services import syncing
from sessions_app.ingest import reports
from sessions_app.services import commands, inbox


def write(batch: Sequence[reports.Report], *, now: datetime) -> None:
    """Write it, after the events that came of it. Safe to repeat."""
    handed_over = {
        command_id: report.epoch
        for report in batch
        if isinstance(report, reports.HandedOver)
        for command_id in report.command_ids
    }
    if handed_over:
        commands.hand_over(epochs=handed_over)
    endings = [report.ending for report in batch if isinstance(report, reports.Executed)]
    if endings:
        commands.finish(finished=endings, now=now)
    heard: dict[int, str] = {}
    for report in batch:
        if isinstance(report, reports.Heard):
            heard |= report.entries
        else:
            _write_one(report, now=now)
    if heard:
        inbox.finish(entries=heard, now=now)


def _write_one(report: reports.Report, *, now: datetime) -> None:
    match report:
        case reports.PutOff():
            commands.put_off(
                command_id=report.command_id,
                not_before=report.not_before,
                error=report.error,
                attempts=report.attempts,
            )
        case reports.ContactsFetched(entries=[]):
            syncing.finish_fetch(sync_id=report.sync_id, now=now)
        case reports.ContactsFetched(number=number, entries=entries):
            syncing.store_page(sync_id=report.sync_id, number=number, entries=entries, now=now)
        case reports.ContactsFailed(sync_id=sync_id, error=error):
            syncing.fail(sync_id=sync_id, error=error, now=now)
