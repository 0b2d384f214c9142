"""Write what sessions sent and got, set by set: its monotonic states allow any order."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sessions_app.contacts.services import identities, notices
from sessions_app.engines import events
from sessions_app.ingest import reports
from sessions_app.messaging.services import changes, imports, inbound, outcomes, receipts
from sessions_app.models import Session

_Event = TypeVar("_Event", bound=events.EngineEvent)


def write(
    sessions: dict[int, Session], batch: Sequence[reports.Report], *, now: datetime
) -> None:
    """Write the traffic of a batch. Safe to repeat."""
    sent = [
        report.outcome
        for report in batch
        if isinstance(report, reports.Executed) and report.outcome is not None
    ]
    if sent:
        outcomes.record(outcomes=sent, now=now)
    _write_people(sessions, batch, now=now)
    if old := _observed(sessions, batch, events.HistoryReceived):
        imports.record_history(received=old, now=now)
    if received := _observed(sessions, batch, events.MessageReceived):
        inbound.record(received=received, now=now)
    if read := _observed(sessions, batch, events.MessagesRead):
        inbound.mark_read(read=read)
    if acknowledged := _observed(sessions, batch, events.ReceiptReceived):
        receipts.apply(receipts=acknowledged, now=now)
    _write_changes(sessions, batch, now=now)


def _write_people(
    sessions: dict[int, Session], batch: Sequence[reports.Report], *, now: datetime
) -> None:
    """Write who is who, before the messages that they wrote."""
    if mapped := _observed(sessions, batch, events.IdentityMapped):
        identities.learn(mapped=mapped, now=now)
    if codes := _observed(sessions, batch, events.IdentityChanged):
        notices.report_security_codes(changed=codes)
    if books := _observed(sessions, batch, events.ContactsChanged):
        notices.report_address_books(changed=books)


def _write_changes(
    sessions: dict[int, Session], batch: Sequence[reports.Report], *, now: datetime
) -> None:
    """Write what was done to messages, after the messages."""
    if edited := _observed(sessions, batch, events.MessageEdited):
        changes.apply_edits(changes=edited, now=now)
    if reactions := _observed(sessions, batch, events.ReactionReceived):
        changes.apply_reactions(changes=reactions, now=now)
    if revoked := _observed(sessions, batch, events.MessageRevoked):
        changes.apply_revokes(changes=revoked, now=now)


def _observed(
    sessions: dict[int, Session], batch: Sequence[reports.Report], kind: type[_Event]
) -> list[tuple[Session, _Event]]:
    return [
        (sessions[report.session_id], report.event)
        for report in batch
        if isinstance(report, reports.Observed) and isinstance(report.event, kind)
    ]
