"""`python -m orsta.bench.reconcile`: how long a runner's look at 10,000 sessions takes.

It makes the sessions in the database of `DATABASE_URL` inside a transaction that it takes
back. What is measured is one look of `runner.supervisor`: claim, compare, and ask for work.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from orsta.bench import sessions

if TYPE_CHECKING:
    from sessions_app.runner.threads import Threads
    from sessions_app.runner.worker import Worker

SESSIONS = 10_000
LIMIT_SECONDS = 5.0
LOOKS = 3


def main() -> int:
    """Print the figures; 1 if the slowest look took longer than `LIMIT_SECONDS`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orsta.settings")
    # The rows live in one transaction of one connection, so there are no threads here.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    import django

    django.setup()
    from django.db import transaction

    with transaction.atomic():
        epochs = _make_sessions()
        slowest = max(_look(epochs) for _ in range(LOOKS))
        transaction.set_rollback(True)
    print(f"{len(epochs):,} sessions: the slowest of {LOOKS} looks took {slowest:.2f} s")  # noqa: T201
    return int(slowest > LIMIT_SECONDS)


def _make_sessions() -> dict[int, int]:
    """Save sessions that are connected and owned by "bench"; return their epochs."""
    from django.utils import timezone

    from sessions_app.models import Lease

    now = timezone.now()
    made = sessions.make_connected(SESSIONS, since=now, engine="sandbox")
    term = {"owner": "bench", "epoch": 1, "expires_at": now + timedelta(minutes=10)}
    Lease.objects.bulk_create(Lease(session=session, **term) for session in made)
    return {session.pk: 1 for session in made}


def _look(epochs: dict[int, int]) -> float:
    return asyncio.run(_looked(epochs))


async def _looked(epochs: dict[int, int]) -> float:
    """Do what one tick of a runner does that owns all of them, with nothing to change."""
    from django.utils import timezone

    from sessions_app.ingest import takeover
    from sessions_app.runner import feeding
    from sessions_app.runner.holdings import Holdings
    from sessions_app.runner.pacing import Pacer
    from sessions_app.runner.tuning import Tuning
    from sessions_app.runner.writer import Writer

    threads = cast("Threads", InPlace())
    parts: dict[str, Any] = {
        "writer": Writer("bench"),
        "pacer": Pacer(1.0),
        "tuning": Tuning(),
    }
    holdings = Holdings(
        node="bench", capacity=SESSIONS, threads=threads, wake=lambda: None, **parts
    )
    holdings.workers |= _workers(epochs, parts)
    began = time.perf_counter()
    takeover.claim(owner="bench", limit=1, now=timezone.now())
    await holdings.reconcile()
    await feeding.feed(holdings.workers, threads)
    taken = time.perf_counter() - began
    parts["writer"].close()
    return taken


def _workers(epochs: dict[int, int], parts: dict[str, Any]) -> "dict[int, Worker]":
    """Make workers that are connected, to nothing."""
    from sessions_app.runner.worker import Worker
    from sessions_app.services.leases import Claim

    class Held(Worker):
        """Needs no connection."""

        def open(self, *, after: float = 0.0) -> None:
            """Stay as it is."""
            self.connected = True

    async def load(claim: Claim) -> Any:
        raise LookupError(claim.public_id)

    return {
        session_id: Held(
            Claim(session_id, f"ses_{session_id}", "sandbox", "CONNECTED", epoch),
            idle=lambda: None,
            load=load,
            **parts,
        )
        for session_id, epoch in epochs.items()
    }


class InPlace:
    """Runs what a runner gives to its threads here, where the transaction is."""

    async def run(self, _name: str, call: Callable[[], Any]) -> Any:
        """Call it."""
        return call()


if __name__ == "__main__":
    sys.exit(main())
