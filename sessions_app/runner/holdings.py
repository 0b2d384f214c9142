"""The sessions that a runner owns: taken by lease, compared with what is wanted, let go."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from django.utils import timezone

from sessions_app.engines.base import Options
from sessions_app.ingest import takeover
from sessions_app.runner.worker import Worker
from sessions_app.services import leases
from sessions_app.states import LIVE, DesiredState, Hold, SessionStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from sessions_app.engines.base import SessionRef
    from sessions_app.models import Session
    from sessions_app.runner.pacing import Pacer
    from sessions_app.runner.threads import Threads
    from sessions_app.runner.tuning import Tuning
    from sessions_app.runner.writer import Writer
    from sessions_app.services.leases import Claim

logger = logging.getLogger(__name__)
_CLAIMED_AT_ONCE = 500


class Holdings:
    """The workers of one runner, by session."""

    def __init__(
        self,
        *,
        node: str,
        capacity: int,
        writer: Writer,
        threads: Threads,
        pacer: Pacer,
        tuning: Tuning,
        wake: Callable[[], None],
    ) -> None:
        self._node = node
        self._capacity = capacity
        self._writer = writer
        self._threads = threads
        self._pacer = pacer
        self._tuning = tuning
        self._wake = wake
        self.workers: dict[int, Worker] = {}
        self._retiring: dict[int, asyncio.Task[None]] = {}

    def active(self) -> dict[int, Worker]:
        """Return the workers that are not on their way out."""
        return {
            session_id: worker
            for session_id, worker in self.workers.items()
            if session_id not in self._retiring
        }

    def epochs(self) -> dict[int, int]:
        """Return the lease's epoch of every session that we hold."""
        return {key: worker.claim.epoch for key, worker in self.workers.items()}

    async def claim(self) -> None:
        """Take free sessions, as far as there is room."""
        room = min(self._capacity - len(self.workers), _CLAIMED_AT_ONCE)
        if room <= 0:
            return
        claims = await self._threads.run(
            "rows",
            lambda: takeover.claim(owner=self._node, limit=room, now=timezone.now()),
        )
        for claim in claims:
            await self._adopt(claim)

    async def _adopt(self, claim: Claim) -> None:
        stale = self.workers.pop(claim.session_id, None)
        if stale is not None:  # the lease ran out and came back before we noticed
            await stale.close()
        worker = Worker(
            claim,
            writer=self._writer,
            idle=self._wake,
            load=self._load,
            pacer=self._pacer,
            tuning=self._tuning,
        )
        self.workers[claim.session_id] = worker
        cooling = _seconds_to(claim.retry_at) if claim.status == _DISCONNECTED else 0.0
        if cooling:
            worker.open(after=cooling)
        elif claim.status != SessionStatus.STARTING:
            await worker.move(SessionStatus.STARTING, "taken over by a runner")

    async def _load(self, claim: Claim, *, forgetting: bool = False) -> SessionRef:
        read = partial(
            leases.ref_of,
            session_id=claim.session_id,
            epoch=claim.epoch,
            forgetting=forgetting,
        )
        return await self._threads.run("rows", read)

    async def reconcile(self) -> None:
        """Compare what every owned session should be with what it is."""
        owned = list(self.active())
        if not owned:
            return
        rows = await self._threads.run("rows", lambda: leases.states_of(owned))
        now = timezone.now()
        for session_id in owned:
            worker, row = self.workers.get(session_id), rows.get(session_id)
            if worker is not None and row is not None and session_id not in self._retiring:
                await self._compare(worker, row, now)

    async def _compare(self, worker: Worker, row: Session, now: datetime) -> None:
        if row.desired == DesiredState.DELETED:
            self.retire(worker, worker.forget)
        elif worker.ended:  # whatever the row says: a new start needs a new connection
            self.retire(worker, worker.close)
        elif row.status in LIVE and not row.may_run:
            self.retire(worker, partial(worker.halt, _why(row)))
        elif not _runs(row, now):
            self.retire(worker, worker.close)
        else:
            worker.configure(Options(row.auto_read_enabled, row.typing_enabled))
            worker.open()

    def retire(
        self, worker: Worker, end: Callable[[], Awaitable[None]], *, release: bool = True
    ) -> None:
        """Let a session go in the background; the first way out is the one that counts."""
        session_id = worker.claim.session_id
        if session_id not in self._retiring:
            task = asyncio.create_task(self._end(worker, end, release=release))
            self._retiring[session_id] = task

    async def _end(
        self, worker: Worker, end: Callable[[], Awaitable[None]], *, release: bool
    ) -> None:
        session_id = worker.claim.session_id
        try:
            await end()
            if release:
                await self._writer.flush()
                await self._release({session_id: worker.claim.epoch})
        except Exception:
            # The edge of a session: its lease runs out and the next owner starts afresh.
            logger.exception("Session did not end cleanly")
        finally:
            if self.workers.get(session_id) is worker:  # else it was claimed anew meanwhile
                del self.workers[session_id]
            self._retiring.pop(session_id, None)
            self._wake()

    def let_go(self, owned: dict[int, int], held: dict[int, int]) -> None:
        """Close what we hold no longer, of what we held when the renewal began."""
        for session_id, epoch in owned.items():
            worker = self.workers.get(session_id)
            if worker and worker.claim.epoch == epoch != held.get(session_id):
                logger.warning("Lease lost", extra={"node": self._node})
                self.retire(worker, worker.close, release=False)

    def let_go_of_all(self) -> None:
        """Close what somebody else may be about to connect."""
        for worker in list(self.workers.values()):
            self.retire(worker, worker.close, release=False)

    async def hand_over(self) -> None:
        """Close every connection, say so, and give the sessions back."""
        epochs = self.epochs()
        for worker in list(self.workers.values()):
            self.retire(worker, worker.hand_over, release=False)
        await asyncio.gather(*self._retiring.values(), return_exceptions=True)
        await self._writer.flush()
        await self._release(epochs)

    async def _release(self, epochs: dict[int, int]) -> None:
        await self._threads.run("rows", lambda: leases.release(owner=self._node, epochs=epochs))


_DISCONNECTED = SessionStatus.DISCONNECTED


def _seconds_to(moment: datetime | None) -> float:
    left = (moment - timezone.now()).total_seconds() if moment else 0.0
    return max(0.0, left)


def _runs(row: Session, now: datetime) -> bool:
    """Say whether a runner should hold the session; the twin of `leases.wanted`."""
    if not row.may_run:
        return False
    if row.status == SessionStatus.BANNED:
        return row.retry_at is not None and row.retry_at <= now
    return row.status in LIVE


def _why(row: Session) -> str:
    return Hold(row.hold).label.lower() if row.hold else "stop requested"
