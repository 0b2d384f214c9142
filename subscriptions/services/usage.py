"""Keep the usage history whole."""

from datetime import UTC, datetime

from django.db import connection

from subscriptions.models import NO_PERIOD

_NOTE_GAUGES = """
INSERT INTO subscriptions_usageday AS noted (tenant_id, feature, day, used)
SELECT tenant_id, feature, %(day)s, used FROM subscriptions_quotausage
WHERE period_starts_at = %(no_period)s AND used > 0
ON CONFLICT (tenant_id, feature, day)
DO UPDATE SET used = EXCLUDED.used WHERE noted.used < EXCLUDED.used
"""


def note_gauges(*, now: datetime) -> int:
    """Give every gauge a row of today; return how many were new or higher.

    A day on which nothing was reserved would look like one without sessions.
    """
    values = {"day": now.astimezone(UTC).date(), "no_period": NO_PERIOD}
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_GAUGES, values)
        noted: int = cursor.rowcount
    return noted
