"""What one socket has been told: its tenant's events, each once, in order, without gaps.

Live pushes come through Redis, which may drop or repeat them. A socket therefore sends only
what follows on what it sent last, and reads the rest from the outbox.
"""

from dataclasses import dataclass

from accounts.principal import Principal
from orsta.core.outbox import selectors as outbox
from sessions_app.realtime import audience, protocol
from sessions_app.realtime.audience import Numbered

PAGE = 500
RESUME_LIMIT = 1_000


@dataclass(slots=True)
class Stream:
    """The position of one socket in its tenant's events, heard or not.

    :param start: the newest sequence number when the socket opened.
    """

    principal: Principal
    start: int = 0
    seen: int = 0

    @property
    def tenant_id(self) -> int:
        """Return the tenant whose events these are."""
        return self.principal.tenant.pk

    def hears(self, frame: Numbered) -> bool:
        """Say whether the socket may be told; its place moves on in any case."""
        return audience.hears(self.principal, frame)

    def open(self) -> int:
        """Begin at the newest event; return its sequence number."""
        self.start = self.seen = outbox.last_seq(tenant_id=self.tenant_id)
        return self.start

    def newest(self) -> int:
        """Return the tenant's newest sequence number."""
        return outbox.last_seq(tenant_id=self.tenant_id)

    def take(self, pushed: list[Numbered]) -> list[Numbered] | None:
        """Return what of a push is new, None when something before it is missing."""
        fresh = [frame for frame in pushed if frame[0] > self.seen]
        expected = range(self.seen + 1, self.seen + 1 + len(fresh))
        if [frame[0] for frame in fresh] != list(expected):
            return None
        self.seen += len(fresh)
        return fresh

    def missing(self, until: int) -> list[Numbered]:
        """Return the next page of what was not sent yet, up to `until`; [] when that is all.

        Events that are no longer kept are passed over.
        """
        found = self._read(after=self.seen, until=until, limit=PAGE)
        self.seen = found[-1][0] if found else max(self.seen, until)
        return found

    def replay(self, *, after: int) -> "Replay":
        """Return what a client missed that saw everything up to `after`.

        On a socket that just opened this ends where the live events began, so that nothing
        comes twice. A client that asks for what this very socket sent gets it again.
        """
        until = self.start if after < self.start else self.seen
        found = self._read(after=after, until=until, limit=RESUME_LIMIT)
        first, last = (found[0][0], found[-1][0]) if found else (until + 1, until)
        return Replay(
            frames=[frame[-1] for frame in found if self.hears(frame)],
            seq=last,
            complete=last >= until,
            lost=max(0, first - after - 1),
        )

    def _read(self, *, after: int, until: int, limit: int) -> list[Numbered]:
        if after >= until:
            return []
        events = outbox.events_after(tenant_id=self.tenant_id, seq=after, limit=limit)
        return [
            protocol.number(event, event.seq)
            for event in events
            if event.seq is not None and event.seq <= until
        ]


@dataclass(frozen=True, slots=True)
class Replay:
    """Missed events.

    :param seq: where the client is after these frames.
    :param complete: False when there are more: ask again after `seq`.
    :param lost: how many were too old to be kept.
    """

    frames: list[str]
    seq: int
    complete: bool
    lost: int
