"""The credentials that were good a moment ago, in this process."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from accounts.principal import Principal

# Another process's revocation reaches this one within this time; the promise is 5 s.
TTL = timedelta(seconds=3)
CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """A credential that passed every check at `read_at`; `digest` and `pepper_id` as stored."""

    principal: Principal
    read_at: datetime
    digest: str = ""
    pepper_id: str = ""
    expires_at: datetime | None = None


class PrincipalCache:
    """Keeps only what worked: a key that was just turned on is never refused from memory."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, Known] = {}
        self._generation = 0

    @property
    def generation(self) -> int:
        """Return what to hand to `keep`; take it before reading the row."""
        return self._generation

    def get(self, name: str, *, now: datetime) -> Known | None:
        """Return what is known under `name`, unless it is too old."""
        known = self._known.get(name)
        if known is None or not timedelta(0) <= now - known.read_at < TTL:
            return None
        if known.expires_at is not None and known.expires_at <= now:
            return None
        return known

    def keep(self, name: str, known: Known, *, generation: int) -> None:
        """Remember, unless something was forgotten since `generation`: the row may be stale."""
        with self._lock:
            if generation != self._generation:
                return
            self._known.pop(name, None)
            while len(self._known) >= CAPACITY:
                del self._known[next(iter(self._known))]  # the oldest
            self._known[name] = known

    def forget(self, credential_id: str) -> None:
        """Drop every entry of a credential."""
        with self._lock:
            self._generation += 1
            names = [
                name
                for name, known in self._known.items()
                if known.principal.credential_id == credential_id
            ]
            for name in names:
                del self._known[name]
