"""Receipts that one connection has still to emit."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sessions_app.engines.content import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sessions_app.engines.sandbox.world import Pending

DELIVERED_SECONDS = 0.3  # after the world took the message, at speed 1
READ_SECONDS = 1.0
SLOT_SECONDS = 0.05  # receipts that fall due within a slot go out together
EVENT_SIZE = 500  # receipts in one event


class _Coming(NamedTuple):
    due: float  # on the loop's clock
    seq: int
    wa_id: str


@dataclass(frozen=True, slots=True)
class DueReceipts:
    """Receipts for one event."""

    kind: ReceiptKind
    wa_ids: tuple[str, ...]
    upto: int  # the highest `seq` among their messages


class Receipts:
    """One queue for each kind: the wait is the same for all of a kind, so nothing is sorted."""

    def __init__(self, speed: float) -> None:
        self._slot = SLOT_SECONDS / speed
        self._waits = {
            ReceiptKind.DELIVERED: DELIVERED_SECONDS / speed,
            ReceiptKind.READ: READ_SECONDS / speed,
        }
        self._coming: dict[ReceiptKind, deque[_Coming]] = {
            kind: deque() for kind in self._waits
        }

    def expect(self, wa_id: str, seq: int, now: float) -> None:
        """The world took a message just now."""
        for kind, wait in self._waits.items():
            self._coming[kind].append(_Coming(self._slot_after(now + wait), seq, wa_id))

    def resume(self, pending: Iterable[Pending], now: float) -> None:
        """The world took these messages before this connection was opened."""
        for message in pending:
            for kind, wait in self._waits.items():
                if kind is ReceiptKind.DELIVERED and message.delivered:
                    continue
                due = self._slot_after(now + max(0.0, wait - message.age_seconds))
                self._coming[kind].append(_Coming(due, message.seq, message.message_id))

    def next_due(self) -> float:
        """When the next receipts are due on the loop's clock; infinity when none are coming."""
        return min((queue[0].due for queue in self._coming.values() if queue), default=math.inf)

    def pop_due(self, now: float) -> Iterator[DueReceipts]:
        """Take out what is due, an event at a time: taken and not emitted means lost."""
        for kind, queue in self._coming.items():
            while queue and queue[0].due <= now:
                group = [queue.popleft()]
                while queue and queue[0].due <= now and len(group) < EVENT_SIZE:
                    group.append(queue.popleft())
                wa_ids = tuple(coming.wa_id for coming in group)
                yield DueReceipts(kind, wa_ids, max(coming.seq for coming in group))

    def _slot_after(self, moment: float) -> float:
        return math.ceil(moment / self._slot) * self._slot
