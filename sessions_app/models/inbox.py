"""What gateways posted and no runner has read yet."""

from django.db import models
from django.db.models import Q

from orsta.core.crypto import EncryptedTextField
from sessions_app.models.session import Session

MAX_ATTEMPTS = 3  # then an entry is poison: it waits for staff and holds nobody back


class InboxEntry(models.Model):
    """One webhook of a gateway, for one session; read in the order of the ids.

    It stays for a day after it was read, without its payload, so that a repeated delivery is
    known.
    """

    # Indexed by `inbox_once`.
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="inbox", db_index=False
    )
    dedupe_key = models.CharField(max_length=64)
    payload = EncryptedTextField(blank=True, editable=False)  # JSON; a code to scan among it
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    received_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "inbox entries"
        constraints = [
            models.UniqueConstraint(fields=["session", "dedupe_key"], name="inbox_once")
        ]
        indexes = [
            # inbox.waiting: what a runner's sessions have to read, in order.
            models.Index(
                fields=["session", "id"], condition=Q(done_at=None), name="inbox_waiting"
            ),
            # inbox.forget_old.
            models.Index(
                fields=["done_at"], condition=Q(done_at__isnull=False), name="inbox_done"
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.pk} for session {self.session_id}"
