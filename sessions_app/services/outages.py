"""End the runs of sessions whose gateway or proxy staff took out of use, and resume them.

Derived, never remembered: whoever asks gets what the rows say now, so that repeats and
events that overtake each other do no harm.
"""

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from orsta.core import doorbell, errors
from sessions_app.failures import failure
from sessions_app.models import Command, Gateway, Proxy, Session
from sessions_app.services import commands, lifecycle
from sessions_app.states import (
    LIVE,
    CommandKind,
    CommandState,
    DesiredState,
    GatewayState,
    Health,
    ProxyState,
    SessionStatus,
)

logger = logging.getLogger(__name__)
QUARANTINED = "gateway_quarantined"
DISABLED = "proxy_disabled"
DOWN = "proxy_down"
BATCH = 200


def follow_gateway(*, gateway_id: str, now: datetime) -> bool:
    """End or resume runs as the gateway's state says, a batch; return whether more are left."""
    gateway = Gateway.objects.filter(public_id=gateway_id).first()
    if gateway is None:
        return False
    sessions = Session.objects.filter(gateway=gateway)
    if gateway.state == GatewayState.QUARANTINED:
        return _end(sessions, QUARANTINED, now=now)
    return _resume(sessions, QUARANTINED, now=now)


def follow_proxy(*, proxy_id: str, now: datetime) -> bool:
    """The same for a proxy."""
    proxy = Proxy.objects.filter(public_id=proxy_id).first()
    if proxy is None:
        return False
    sessions = Session.objects.filter(proxy=proxy)
    if proxy.state == ProxyState.DISABLED:
        return _end(sessions, DISABLED, now=now)
    if proxy.health == Health.DOWN:
        return False
    _reconnect(sessions, now=now)
    return any(_resume(sessions, code, now=now) for code in (DISABLED, DOWN))


@transaction.atomic
def _end(sessions: QuerySet[Session], code: str, *, now: datetime) -> bool:
    live = sessions.filter(status__in=LIVE, desired=DesiredState.RUNNING)
    batch = list(live.select_for_update(of=("self",)).order_by("pk")[:BATCH])
    sentence = failure(code).sentence
    for session in batch:
        lifecycle.give_up(
            session, SessionStatus.FAULTED, now=now, reason=sentence, reason_code=code
        )
    doorbell.ring_on_commit(commands.BELL)
    return len(batch) == BATCH


def _resume(sessions: QuerySet[Session], code: str, *, now: datetime) -> bool:
    """Start what ended for this reason. One that may not start now is left to its owner."""
    ended = sessions.filter(
        status=SessionStatus.FAULTED, reason_code=code, desired=DesiredState.STOPPED
    )
    batch = list(ended.select_related("tenant").order_by("pk")[:BATCH])
    started = 0
    for session in batch:
        try:
            lifecycle.start(session=session, now=now)
        except errors.DomainError as error:
            _leave(session, str(error), now=now)
        else:
            started += 1
    logger.info("Sessions resumed", extra={"count": started, "reason_code": code})
    return len(batch) == BATCH


def _leave(session: Session, refusal: str, *, now: datetime) -> None:
    """Say why it was not started; it counts no more as ended by an outage."""
    lifecycle.explain(session, now=now, reason=refusal, reason_code="")


def _reconnect(sessions: QuerySet[Session], *, now: datetime) -> None:
    """Do not wait for the end of a cool-down that is about a proxy that works again.

    Who was told already, and has not done it yet, is not told again.
    """
    told = Command.objects.filter(
        session=OuterRef("pk"), kind=CommandKind.RECONNECT, state=CommandState.QUEUED
    )
    waiting = sessions.filter(
        ~Exists(told),
        status=SessionStatus.DISCONNECTED,
        reason_code=DOWN,
        desired=DesiredState.RUNNING,
    )
    drafts = [
        commands.NewCommand(session, CommandKind.RECONNECT)
        for session in waiting.order_by("pk")
    ]
    if drafts:
        commands.queue_many(drafts, now=now)
