"""Find out whether the audit log was tampered with, and write down what was found."""

import logging
from datetime import datetime

from django.db import transaction

from accounts.selectors import trail
from accounts.services import audit

logger = logging.getLogger(__name__)
_SHOWN = 20  # breaks that the entry names; one is enough to act


@transaction.atomic
def verify(*, now: datetime, actor: str = audit.SYSTEM) -> list[trail.Break]:
    """Walk the whole log; record the outcome as an entry of its own, and return the breaks."""
    found = list(trail.breaks())
    places = [f"{place.chain} {place.seq}" for place in found[:_SHOWN]]
    outcome = trail.BROKEN if found else trail.VERIFIED
    audit.record(action=outcome, actor=actor, now=now, places=places)
    if found:
        logger.error("Audit log broken", extra={"places": places})
    return found
