"""Give every session what waits for it, and nobody more than its share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.utils import timezone

from sessions_app.engines import registry
from sessions_app.engines.capabilities import Capability
from sessions_app.runner.lanes import Lane
from sessions_app.services import commands, inbox

if TYPE_CHECKING:
    from sessions_app.runner.threads import Threads
    from sessions_app.runner.worker import Worker

# Rows of a session at once, before its endings are written and others are read.
COMMANDS_AT_ONCE = 200
ENTRIES_AT_ONCE = 100


async def feed(workers: dict[int, Worker], threads: Threads) -> None:
    """Start every lane that has room and something to do."""
    gateways = {key: worker for key, worker in workers.items() if _has_gateway(worker)}
    await _feed_inbox(gateways, threads)
    for lane in (Lane.OTHERS, Lane.SENDS):
        await _feed_commands(workers, lane, threads)


async def _feed_commands(workers: dict[int, Worker], lane: Lane, threads: Threads) -> None:
    room = _rooms(workers, lane, COMMANDS_AT_ONCE)
    if not room:
        return
    waiting = partial(
        commands.waiting,
        session_ids=list(room),
        sends=lane == Lane.SENDS,
        now=timezone.now(),
        limit=max(room.values()),
    )
    for session_id, rows in (await threads.run("rows", waiting)).items():
        lanes = workers[session_id].lanes
        if left := lanes.room(lane, COMMANDS_AT_ONCE):
            lanes.take(rows[:left], lane)


async def _feed_inbox(workers: dict[int, Worker], threads: Threads) -> None:
    room = _rooms(workers, Lane.INBOX, ENTRIES_AT_ONCE)
    if not room:
        return
    waiting = partial(inbox.waiting, session_ids=list(room), limit=ENTRIES_AT_ONCE)
    for session_id, rows in (await threads.run("rows", waiting)).items():
        lanes = workers[session_id].lanes
        if lanes.room(Lane.INBOX, ENTRIES_AT_ONCE):
            lanes.hear(rows)


def _rooms(workers: dict[int, Worker], lane: Lane, limit: int) -> dict[int, int]:
    rooms = {key: worker.lanes.room(lane, limit) for key, worker in workers.items()}
    return {key: room for key, room in rooms.items() if room}


def _has_gateway(worker: Worker) -> bool:
    offered = worker.kind in registry.kinds()
    return offered and Capability.GATEWAY in registry.engine(worker.kind).capabilities
