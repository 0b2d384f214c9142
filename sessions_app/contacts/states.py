"""The life of a contact sync. Plain: no rows."""

from django.db.models import TextChoices


class SyncState(TextChoices):
    """How far a sync is."""

    QUEUED = "QUEUED", "Queued"
    FETCHING = "FETCHING", "Fetching from WhatsApp"
    WRITING = "WRITING", "Writing"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Failed"


RUNNING = frozenset({SyncState.QUEUED, SyncState.FETCHING, SyncState.WRITING})
