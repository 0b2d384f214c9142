"""Ask gateways for themselves and all their sessions, and tell the sessions that disagree."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.services import audit
from orsta.core import errors
from sessions_app import failures
from sessions_app.engines import registry
from sessions_app.engines.base import EngineError
from sessions_app.engines.webhooks import GatewayReport, GatewaySession
from sessions_app.models import Gateway, InboxEntry, Session
from sessions_app.services import engine_refs, inbox, lifecycle
from sessions_app.states import (
    LIVE,
    OPEN,
    DesiredState,
    GatewayState,
    Health,
    SessionStatus,
    allows,
)

logger = logging.getLogger(__name__)
LOST = "gateway_lost"
_DEDUPE = "survey:"
_STRANGERS_SHOWN = 100
_ERROR_LENGTH = 300
# A gateway that misses so many at once has another database than yesterday, or none: that is
# for staff to see, before customers are told to scan new codes.
_LOSSES_AT_ONCE = 10
_LOSSES_PERCENT = 10
_CONNECTED = OPEN | {SessionStatus.DEGRADED}


@dataclass(frozen=True, slots=True)
class Findings:
    """What a survey found out about our sessions.

    :param told: how many sessions were told that they are not what we think.
    :param lost: how many the gateway has forgotten.
    """

    told: int = 0
    lost: int = 0


class GatewayDown(errors.UpstreamFailed):
    """The gateway does not answer."""

    code = "gateway_down"


def test(*, gateway_id: int, now: datetime) -> None:
    """Ask a gateway because somebody wants to know.

    :raises GatewayDown: it does not answer as it should.
    """
    if survey(gateway_id=gateway_id, now=now) is None:
        error = Gateway.objects.filter(pk=gateway_id).values_list("error", flat=True).first()
        raise GatewayDown(error or "There is no such gateway.")


def survey(*, gateway_id: int, now: datetime) -> Findings | None:
    """Ask one gateway, and write down what it says; None if it does not answer.

    Its health becomes known. Nothing else it says is believed while it is in quarantine.
    Safe to repeat: a session that has not read what an earlier survey told is told nothing.
    """
    gateway = Gateway.objects.filter(pk=gateway_id).first()
    if gateway is None:
        return None
    try:
        report = _ask(gateway)
    except EngineError as error:
        _note_down(gateway, str(error), now=now)
        return None
    if gateway.state == GatewayState.QUARANTINED:
        _note_up(gateway, report, now=now)
        return Findings()
    return _reconcile(gateway, report, now=now)


def _ask(gateway: Gateway) -> GatewayReport:
    if gateway.engine not in registry.kinds():
        raise EngineError(f"The engine {gateway.engine!r} is not offered here.")
    return registry.engine(gateway.engine).survey(engine_refs.address_of(gateway))


@transaction.atomic
def _note_down(gateway: Gateway, error: str, *, now: datetime) -> None:
    locked = Gateway.objects.select_for_update(no_key=True).get(pk=gateway.pk)
    if locked.health != Health.DOWN:
        logger.warning("Gateway down", extra={"gateway": gateway.public_id, "reason": error})
    Gateway.objects.filter(pk=gateway.pk).update(
        health=Health.DOWN,
        error=error[:_ERROR_LENGTH],
        checked_at=now,
        down_since=locked.down_since or now,
    )


def _note_up(
    gateway: Gateway,
    report: GatewayReport,
    *,
    now: datetime,
    strangers: Iterable[str] = (),
    error: str = "",
) -> None:
    Gateway.objects.filter(pk=gateway.pk).update(
        health=Health.UP,
        version=report.version[:40],
        error=error[:_ERROR_LENGTH],
        strangers=sorted(strangers)[:_STRANGERS_SHOWN],
        checked_at=now,
        down_since=None,
    )


@transaction.atomic
def _reconcile(gateway: Gateway, report: GatewayReport, *, now: datetime) -> Findings:
    listed = {entry.session_id: entry for entry in report.sessions}
    present = _present(gateway)
    ours = [row for row in present if _is_settled(row, since=now)]
    told = _tell(ours, listed, now=now)
    missing = [row for row in ours if row.provisioned_at and row.public_id not in listed]
    error = ""
    if _too_many(len(missing), len(ours)):
        logger.error("Gateway lost its sessions", extra={"gateway": gateway.public_id})
        error = f"It lost {len(missing)} of {len(ours)} sessions; they were left as they are."
        missing = []
    _mark_lost(gateway, missing, now=now)
    strangers = listed.keys() - {row.public_id for row in present}
    _note_up(gateway, report, now=now, strangers=strangers, error=error)
    return Findings(told, len(missing))


def _present(gateway: Gateway) -> list[Session]:
    """Return what the gateway should have, in one query."""
    rows = Session.objects.filter(gateway=gateway).exclude(status=SessionStatus.DELETED)
    columns = ("public_id", "status", "desired", "hold", "provisioned_at", "status_changed_at")
    return list(rows.only(*columns).order_by("pk"))


def _is_settled(session: Session, *, since: datetime) -> bool:
    """Say whether nothing happened to a session since its gateway was asked."""
    moments = (session.status_changed_at, session.provisioned_at)
    moved = any(moment is not None and moment >= since for moment in moments)
    return session.desired != DesiredState.DELETED and not moved


def _too_many(lost: int, total: int) -> bool:
    return lost >= _LOSSES_AT_ONCE and lost * 100 >= total * _LOSSES_PERCENT


def _tell(ours: list[Session], listed: Mapping[str, GatewaySession], *, now: datetime) -> int:
    """Tell the sessions that the gateway sees otherwise than we do; return how many."""
    wrong = {
        row.pk: listed[row.public_id]
        for row in ours
        if row.public_id in listed and _disagrees(row, listed[row.public_id])
    }
    unread = InboxEntry.objects.filter(
        session__in=wrong, done_at=None, dedupe_key__startswith=_DEDUPE
    )
    for session_id in unread.values_list("session_id", flat=True):
        wrong.pop(session_id, None)
    key = f"{_DEDUPE}{now.isoformat()}"
    drafts = [inbox.NewEntry(pk, key, entry.payload) for pk, entry in wrong.items()]
    if drafts:
        inbox.receive_many(drafts, now=now)
    return len(drafts)


def _disagrees(session: Session, entry: GatewaySession) -> bool:
    """Say whether a session that a runner holds is something else in its gateway."""
    if session.status not in LIVE or not session.may_run:
        return False
    is_open = entry.status.connected and entry.status.linked
    return is_open != (session.status in _CONNECTED)


def _mark_lost(gateway: Gateway, missing: list[Session], *, now: datetime) -> None:
    """Log sessions out that the gateway has forgotten; a start makes them anew there."""
    Session.objects.filter(pk__in=[row.pk for row in missing]).update(provisioned_at=None)
    sentence = failures.failure(LOST).sentence
    for session in Session.objects.filter(pk__in=[row.pk for row in missing]).order_by("pk"):
        if allows(SessionStatus(session.status), SessionStatus.LOGGED_OUT):
            lifecycle.give_up(
                session,
                SessionStatus.LOGGED_OUT,
                now=now,
                reason=sentence,
                reason_code=LOST,
                **lifecycle.UNLINKED,
            )
        audit.record(
            action="gateway.session_lost",
            actor=audit.SYSTEM,
            now=now,
            target=session.public_id,
            gateway=gateway.public_id,
        )
