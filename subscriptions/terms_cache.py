"""What tenants pay for as it was a moment ago, in this process."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from subscriptions.entitlements import Terms

TTL = timedelta(seconds=3)  # until another process's change is seen here
CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """A tenant's terms as they were read; None when it has no subscription."""

    terms: Terms | None
    read_at: datetime


class TermsCache:
    """Keeps rows, not answers: what time changes is worked out at every read."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[int, Known] = {}
        self._generation = 0

    @property
    def generation(self) -> int:
        """Return what to hand to `keep`; take it before reading the rows."""
        return self._generation

    def get(self, tenant_id: int, *, now: datetime) -> Known | None:
        """Return what is known of a tenant, unless it is too old."""
        known = self._known.get(tenant_id)
        if known is None or not timedelta(0) <= now - known.read_at < TTL:
            return None
        return known

    def keep(self, tenant_id: int, known: Known, *, generation: int) -> None:
        """Remember, unless something was forgotten since `generation`: it may be stale."""
        with self._lock:
            if generation != self._generation:
                return
            self._known.pop(tenant_id, None)
            while len(self._known) >= CAPACITY:
                del self._known[next(iter(self._known))]  # the oldest
            self._known[tenant_id] = known

    def forget(self, tenant_id: int | None = None) -> None:
        """Drop what is known of one tenant, or of all."""
        with self._lock:
            self._generation += 1
            if tenant_id is None:
                self._known.clear()
            else:
                self._known.pop(tenant_id, None)
