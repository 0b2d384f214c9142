"""Read the audit log, and find out whether somebody tampered with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from prometheus_client.core import GaugeMetricFamily, Metric

from accounts.models import AuditEntry, Tenant

VERIFIED = "audit_log.verified"
BROKEN = "audit_log.broken"

# Both walk the unique index on (chain, seq): nothing is sorted, however long the log is.
_BROKEN_ENTRIES = """
    SELECT chain, seq, id FROM (
        SELECT entry.id, entry.chain, entry.seq, entry.digest,
               lag(entry.seq, 1, 0::bigint) OVER one AS previous_seq,
               accounts_audit_digest(lag(entry.digest, 1, '') OVER one, entry) AS expected
        FROM accounts_auditentry AS entry
        WHERE entry.seq IS NOT NULL
        WINDOW one AS (PARTITION BY entry.chain ORDER BY entry.seq)
    ) AS walked
    WHERE seq <> previous_seq + 1 OR digest <> expected
    ORDER BY chain, seq LIMIT %s
"""
_BROKEN_ENDS = """
    SELECT coalesce(head.chain, last.chain), coalesce(head.seq, last.seq)
    FROM accounts_auditchain AS head
    FULL JOIN (
        SELECT DISTINCT ON (chain) chain, seq, digest FROM accounts_auditentry
        WHERE seq IS NOT NULL ORDER BY chain, seq DESC
    ) AS last USING (chain)
    WHERE (head.seq, head.digest) IS DISTINCT FROM (last.seq, last.digest)
    ORDER BY 1 LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the log is not what it was when it was sealed."""

    chain: str
    seq: int
    what: str


def entries(
    *,
    tenant: Tenant | None = None,
    action: str = "",
    actor: str = "",
    target: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """Return the entries that match everything given; without a tenant those of all.

    :param action: whole ("api_key.rotated") or what it begins with ("api_key.").
    """
    by = "action__startswith" if action.endswith(".") else "action"
    wanted: dict[str, Any] = {
        "tenant": tenant,
        by: action,
        "actor": actor,
        "target": target,
        "at__gte": since,
        "at__lt": until,
    }
    return AuditEntry.objects.filter(**{name: value for name, value in wanted.items() if value})


def breaks(*, limit: int = 100) -> Iterator[Break]:
    """Yield the first places where an entry was changed, removed or put in.

    It reads the whole log in the database: a minute for some ten million entries.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BROKEN_ENTRIES, [limit])
        for chain, seq, _ in cursor.fetchall():
            yield Break(chain, seq, "does not follow from the entry before it")
        cursor.execute(_BROKEN_ENDS, [limit])
        for chain, seq in cursor.fetchall():
            yield Break(chain, seq, "is not the end that was sealed")


def last_check() -> AuditEntry | None:
    """Return the entry of the last verification; None before the first."""
    return AuditEntry.objects.filter(action__in=[VERIFIED, BROKEN]).order_by("-pk").first()


def metrics() -> Iterator[Metric]:
    """Yield what the last verification found; nothing before the first."""
    last = last_check()
    if last is None:
        return
    whole = float(last.action == VERIFIED)
    yield GaugeMetricFamily("orsta_audit_whole", "1: nobody tampered with the log", whole)
    yield GaugeMetricFamily(
        "orsta_audit_checked_timestamp_seconds",
        "When the audit log was last verified",
        last.at.timestamp(),
    )
