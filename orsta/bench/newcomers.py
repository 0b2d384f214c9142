"""How fast a sibling service brings its users in bulk: new, known, and renewed."""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from orsta.core.api import ndjson

_END = datetime(2099, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bulk:
    """What one request of many rows took."""

    name: str
    rows: int
    seconds: float

    def render(self) -> str:
        """Return the row of the table."""
        rate = self.rows / self.seconds
        return (
            f"| {self.name} | {self.rows:,} | {self.seconds:.1f} s | **{rate:,.0f}** rows/s |"
        )


@dataclass(frozen=True)
class Newcomers:
    """Users that nobody knows yet, and the service that brings them."""

    headers: dict[str, str] = field(repr=False)
    count: int = ndjson.MAX_ROWS
    mark: str = field(default_factory=lambda: secrets.token_hex(4))

    def measure(self) -> Iterator[Bulk]:
        """Bring them, bring them again, and renew them."""
        yield self._bring("new users", "created", _END)
        yield self._bring("the same again, nothing changed", "updated", _END)
        later = _END + timedelta(days=30)
        yield self._bring("the same with a later end", "updated", later)

    def _bring(self, name: str, expected: str, end: datetime) -> Bulk:
        body = "\n".join(json.dumps(self._row(number, end)) for number in range(self.count))
        begin = time.perf_counter()
        answer = Client(headers=self.headers).generic(
            "POST",
            "/internal/users/bulk",
            body,
            content_type=ndjson.MEDIA_TYPE,
            HTTP_HOST="localhost",
        )
        seconds = time.perf_counter() - begin
        told = [json.loads(line)["status"] for line in answer.content.splitlines()]
        if told != [expected] * self.count:
            raise RuntimeError(f"{name}: {answer.status_code} {answer.content[:300]!r}")
        return Bulk(name, self.count, seconds)

    def _row(self, number: int, end: datetime) -> dict[str, Any]:
        return {
            "user_id": f"new_{self.mark}_{number}",
            "expires_at": end.isoformat(),
            "max_sessions": 5,
            "max_messages": 10_000,
            "provider": "bench",
            "created_by": "bench",
        }
