"""What a tenant may do right now, as the other apps see it. Plain: no rows."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Entitlements:
    """The answer to "what does this tenant pay for?" at one moment.

    :param plan_code: the plan of the newest period, "" when there never was one.
    :param active: whether a period runs; without one every limit is 0.
    :param ends_at: the end of the newest period, past or future.
    """

    plan_code: str
    active: bool
    max_sessions: int
    ends_at: datetime | None


NOTHING = Entitlements(plan_code="", active=False, max_sessions=0, ends_at=None)
