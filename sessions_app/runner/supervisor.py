"""A runner: takes sessions by lease, keeps their connections, feeds them commands.

One event loop drives every session; the database is reached from two threads, one for the
heartbeat alone, so that a slow batch never costs a lease. What has to survive is in rows:
a runner that is killed forgets nothing that another can't read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from django.db import Error as DatabaseFailure
from django.db import connections
from django.utils import timezone

from orsta.core import doorbell
from sessions_app.engines.base import Options
from sessions_app.runner.worker import Worker
from sessions_app.runner.writer import Writer
from sessions_app.services import commands, leases
from sessions_app.states import LIVE, DesiredState, Hold, SessionStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sessions_app.models import Session
    from sessions_app.services.leases import Claim

logger = logging.getLogger(__name__)
T = TypeVar("T")

POLL_SECONDS = 1.0  # how late a command can be when its ring was lost
COMMANDS_AT_ONCE = 200  # of a session, before its endings are written and others are read
CLAIM_SECONDS = 0.25  # between looks at leases and wishes, however often the bell rings
_OUTAGE_SECONDS = 1.0


class Supervisor:
    """Runs until `stop`; then drains and gives its sessions back."""

    def __init__(self, *, node: str, capacity: int, version: str) -> None:
        self._node = node
        self._capacity = capacity
        self._version = version
        self._writer = Writer(node)
        self._workers: dict[int, Worker] = {}
        self._retiring: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._threads = {
            name: ThreadPoolExecutor(1, thread_name_prefix=name)
            for name in ("rows", "heartbeat", "bell")
        }
        self._renewed_at = time.monotonic()
        self._looked_at = 0.0

    def stop(self) -> None:
        """Ask for a drain; safe to call from a signal handler of the loop."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Own sessions until `stop` is called, then drain.

        What ends one of the loops ends the process: without them it would hold leases and do
        nothing. Whoever watches over it starts it again.
        """
        loops = [self._writer.run(), self._heartbeat(), self._listen()]
        tasks = [asyncio.create_task(loop) for loop in loops]
        for task in tasks:
            task.add_done_callback(lambda _: self._wake.set())
        logger.info("Runner started", extra={"node": self._node})
        while not self._stopping.is_set():
            for task in tasks:
                if task.done():
                    task.result()
            await self._tick()
            await self._wake.wait()
            self._wake.clear()
        await self._drain()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._close_threads()
        logger.info("Runner stopped", extra={"node": self._node})

    # -- the loops ------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Wake the main loop on every ring, and at least every `POLL_SECONDS`."""
        bell = doorbell.Bell(commands.BELL)
        loop = asyncio.get_running_loop()
        try:
            while True:
                await loop.run_in_executor(
                    self._threads["bell"], lambda: bell.wait(timeout=POLL_SECONDS)
                )
                self._wake.set()
        finally:
            self._threads["bell"].submit(bell.close)

    async def _heartbeat(self) -> None:
        """Renew the leases; without a success for too long, let go of every connection."""
        while True:
            # What is claimed while the renewal runs is not in its answer, and is not lost.
            owned = {key: worker.claim.epoch for key, worker in self._workers.items()}
            try:
                held = await self._in_thread("heartbeat", partial(self._beat, owned))
            except DatabaseFailure as error:
                logger.warning("Heartbeat failed", extra={"reason": str(error)})
                await self._in_thread("heartbeat", connections.close_all)
                await self._self_stop()
                await asyncio.sleep(_OUTAGE_SECONDS)
                continue
            self._renewed_at = time.monotonic()
            self._let_go(owned, held)
            await asyncio.sleep(leases.RENEW_EVERY.total_seconds())

    def _let_go(self, owned: dict[int, int], held: dict[int, int]) -> None:
        for session_id, epoch in owned.items():
            worker = self._workers.get(session_id)
            if worker and worker.claim.epoch == epoch != held.get(session_id):
                logger.warning("Lease lost", extra={"node": self._node})
                self._retire(session_id, worker.close, release=False)

    def _beat(self, owned: dict[int, int]) -> dict[int, int]:
        leases.beat(
            node=self._node,
            version=self._version,
            capacity=self._capacity,
            sessions=len(owned),
            draining=self._stopping.is_set(),
            now=timezone.now(),
        )
        return leases.renew(owner=self._node, session_ids=owned)

    async def _self_stop(self) -> None:
        """Close what somebody else may be about to connect."""
        if time.monotonic() - self._renewed_at < leases.SELF_STOP_AFTER.total_seconds():
            return
        for session_id, worker in list(self._workers.items()):
            self._retire(session_id, worker.close, release=False)

    async def _tick(self) -> None:
        """Do what the rows ask for; an outage of the database only postpones it."""
        try:
            if time.monotonic() - self._looked_at >= CLAIM_SECONDS:
                self._looked_at = time.monotonic()
                await self._claim()
                await self._reconcile()
            for sends in (False, True):
                await self._feed(sends=sends)
        except DatabaseFailure as error:
            logger.warning("Database unreachable", extra={"reason": str(error)})
            await self._in_thread("rows", connections.close_all)
            await asyncio.sleep(_OUTAGE_SECONDS)

    # -- ownership ------------------------------------------------------------------------

    async def _claim(self) -> None:
        free = self._capacity - len(self._workers)
        if free <= 0:
            return
        claims = await self._in_thread(
            "rows", lambda: leases.claim(owner=self._node, limit=free, now=timezone.now())
        )
        for claim in claims:
            await self._adopt(claim)

    async def _adopt(self, claim: Claim) -> None:
        stale = self._workers.pop(claim.session_id, None)
        if stale is not None:  # the lease ran out and came back before we noticed
            await stale.close()
        worker = Worker(claim, writer=self._writer, idle=self._wake.set)
        self._workers[claim.session_id] = worker
        if claim.status != SessionStatus.STARTING:
            await worker.move(SessionStatus.STARTING, "taken over by a runner")

    async def _reconcile(self) -> None:
        """Compare what every owned session should be with what it is."""
        owned = [key for key in self._workers if key not in self._retiring]
        if not owned:
            return
        now = timezone.now()
        rows = await self._in_thread("rows", lambda: leases.states_of(owned))
        for session_id in owned:
            worker, row = self._workers.get(session_id), rows.get(session_id)
            if worker is None or row is None:
                continue
            if row.desired == DesiredState.DELETED:
                self._retire(session_id, worker.forget)
            elif worker.ended:  # whatever the row says: a new start needs a new connection
                self._retire(session_id, worker.close)
            elif row.status in LIVE and not row.may_run:
                self._retire(session_id, partial(worker.halt, _why(row)))
            elif not _runs(row, banned_until_passed=bool(row.retry_at and row.retry_at <= now)):
                self._retire(session_id, worker.close)
            else:
                worker.configure(Options(row.auto_read_enabled, row.typing_enabled))
                worker.open()

    def _retire(
        self, session_id: int, end: Callable[[], Awaitable[None]], *, release: bool = True
    ) -> None:
        if session_id in self._retiring:
            return
        task = asyncio.create_task(self._end(session_id, end, release=release))
        self._retiring[session_id] = task

    async def _end(
        self, session_id: int, end: Callable[[], Awaitable[None]], *, release: bool
    ) -> None:
        worker = self._workers[session_id]
        try:
            await end()
            if release:
                await self._writer.flush()
                await self._release({session_id: worker.claim.epoch})
        except Exception:
            # The edge of a session: its lease runs out and the next owner starts afresh.
            logger.exception("Session did not end cleanly")
        finally:
            if self._workers.get(session_id) is worker:  # else it was claimed anew meanwhile
                del self._workers[session_id]
            self._retiring.pop(session_id, None)
            self._looked_at = 0.0
            self._wake.set()

    async def _release(self, epochs: dict[int, int]) -> None:
        await self._in_thread("rows", lambda: leases.release(owner=self._node, epochs=epochs))

    # -- commands -------------------------------------------------------------------------

    async def _feed(self, *, sends: bool) -> None:
        """Give every idle session the commands that wait for it."""
        idle = [
            key
            for key, worker in self._workers.items()
            if key not in self._retiring and worker.is_idle(sends=sends)
        ]
        if not idle:
            return
        ready = await self._in_thread(
            "rows",
            lambda: commands.waiting(
                session_ids=idle, sends=sends, now=timezone.now(), limit=COMMANDS_AT_ONCE
            ),
        )
        for session_id, rows in ready.items():
            worker = self._workers.get(session_id)
            if worker is not None and worker.is_idle(sends=sends):
                worker.take(rows, sends=sends)

    # -- the end --------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Close every connection, say so, and give the sessions back."""
        epochs = {key: worker.claim.epoch for key, worker in self._workers.items()}
        for session_id, worker in list(self._workers.items()):
            self._retire(session_id, worker.hand_over, release=False)
        await asyncio.gather(*self._retiring.values(), return_exceptions=True)
        await self._writer.flush()
        await self._release(epochs)
        await self._in_thread("rows", lambda: leases.leave(node=self._node))

    async def _in_thread(self, name: str, call: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads[name], call)

    def _close_threads(self) -> None:
        self._writer.close()
        for thread in self._threads.values():
            thread.submit(connections.close_all)
            thread.shutdown()


def _runs(row: Session, *, banned_until_passed: bool) -> bool:
    """Say whether a runner should hold the session; the twin of `leases.wanted`."""
    if not row.may_run:
        return False
    if row.status == SessionStatus.BANNED:
        return banned_until_passed
    return row.status in LIVE


def _why(row: Session) -> str:
    return Hold(row.hold).label.lower() if row.hold else "stop requested"
