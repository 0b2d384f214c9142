"""Readiness: named checks, each quick, each a yes or no with a sentence."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import redis
from django.db import Error as DatabaseFailure
from django.db import connection
from django.utils import timezone

from orsta.core import redis_client
from orsta.core.outbox import selectors as outbox

logger = logging.getLogger(__name__)
MAX_OUTBOX_LAG = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found."""

    ok: bool
    detail: str


Check = Callable[[], Outcome]
_row_checks: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    """Add a check that reads rows to `/readyz`; apps call this when they are ready."""
    _row_checks[name] = check


def run() -> dict[str, Outcome]:
    """Run every check; without the database those that read rows fail unasked."""
    outcomes = {"database": _run(_database), "redis": _run(_redis)}
    if outcomes["database"].ok:
        return outcomes | {name: _run(check) for name, check in _row_checks.items()}
    unknown = Outcome(ok=False, detail="unknown without the database")
    return outcomes | dict.fromkeys(_row_checks, unknown)


def _run(check: Check) -> Outcome:
    try:
        return check()
    except (DatabaseFailure, redis.RedisError) as error:
        logger.warning("Readiness check failed", extra={"reason": str(error)})
        return Outcome(ok=False, detail="unreachable")


def _database() -> Outcome:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Outcome(ok=True, detail="reachable")


def _redis() -> Outcome:
    redis_client.client().ping()
    return Outcome(ok=True, detail="reachable")


def _outbox() -> Outcome:
    now = timezone.now()
    backlog = outbox.backlog(now=now)
    seconds = int(backlog.lag.total_seconds())
    detail = f"{backlog.pending} waiting, oldest {seconds} s, {backlog.parked} parked"
    return Outcome(ok=outbox.overdue(now=now) <= MAX_OUTBOX_LAG, detail=detail)


register("outbox", _outbox)
