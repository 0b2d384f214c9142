"""The life of a contact sync, and the names that a person goes by. Plain: no rows."""

from django.db.models import TextChoices


class SyncState(TextChoices):
    """How far a sync is."""

    QUEUED = "QUEUED", "Queued"
    FETCHING = "FETCHING", "Fetching from WhatsApp"
    WRITING = "WRITING", "Writing"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Failed"


RUNNING = frozenset({SyncState.QUEUED, SyncState.FETCHING, SyncState.WRITING})


class IdentityKind(TextChoices):
    """What a value names a person by."""

    LID = "LID", "LID"
    PHONE = "PHONE", "Phone number"
    USERNAME = "USERNAME", "User name"


class IdentitySource(TextChoices):
    """What told us who is who."""

    MESSAGE = "message", "A message"
    CONTACTS = "contacts", "The address book"
    MAPPING = "mapping", "WhatsApp"
    CHECK = "check", "A number check"
