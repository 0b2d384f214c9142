"""Messages, in and out."""

from django.db import models
from django.db.models import F, Q

from accounts.tenancy import TenantOwnedModel
from orsta.core.crypto import EncryptedTextField
from orsta.core.models import PublicIdField
from sessions_app.messaging.states import Direction, MessageKind, MessageStatus
from sessions_app.models import Session


class Message(TenantOwnedModel):
    """One message of a session. `wa_id` is WhatsApp's id of it, unique where it counts."""

    public_id = PublicIdField("msg")
    # Indexed by `message_of_tenant`.
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    # Indexed by `message_of_session`.
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    direction = models.CharField(max_length=8, choices=Direction.choices)
    kind = models.CharField(
        max_length=16,
        choices=MessageKind.choices,
        default=MessageKind.TEXT,
        db_default=MessageKind.TEXT.value,
        editable=False,
    )
    chat = models.CharField(max_length=80, help_text="JID of the other side")
    sender = models.CharField(max_length=80, help_text="JID of the author")
    wa_id = models.CharField(max_length=64, blank=True)
    text = models.TextField(blank=True)
    quoted_wa_id = models.CharField(
        max_length=64, blank=True, db_default="", help_text="Of the message that it answers"
    )
    media = models.JSONField(
        default=dict, blank=True, db_default={}, help_text="mime_type, size, file_name, seconds"
    )
    # How the engine fetches the file, as JSON; it holds the file's key.
    media_reference = EncryptedTextField(  # type: ignore[misc]  # null: SQL can seal no text
        null=True, blank=True, editable=False
    )
    undecryptable = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="It may become readable yet"
    )
    status = models.CharField(max_length=10, choices=MessageStatus.choices, editable=False)
    error = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "chat", "sender", "wa_id"],
                condition=Q(direction=Direction.INBOUND),
                name="inbound_once",
            ),
            # Also serves receipts: they name our messages by wa_id.
            models.UniqueConstraint(
                fields=["session", "wa_id"],
                condition=Q(direction=Direction.OUTBOUND) & ~Q(wa_id=""),
                name="outbound_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=MessageStatus.values), name="message_status_known"
            ),
            models.CheckConstraint(
                condition=Q(direction__in=Direction.values), name="message_direction_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=MessageKind.values), name="message_kind_known"
            ),
        ]
        indexes = [
            # The session's messages and one chat's, newest first.
            models.Index(fields=["session", "-id"], name="message_of_session"),
            models.Index(fields=["session", "chat", "-id"], name="message_of_chat"),
            # moving: what somebody wrote in groups before their LID was known.
            models.Index(
                fields=["session", "sender"],
                condition=Q(direction=Direction.INBOUND) & ~Q(sender=F("chat")),
                name="message_by_member",
            ),
            # history.prune_old: a tenant's messages that its plan keeps no longer.
            models.Index(fields=["tenant", "created_at"], name="message_of_tenant"),
            # The admin's status filter.
            models.Index(fields=["status", "-id"], name="message_by_status"),
            # The dashboard's messages per day.
            models.Index(fields=["created_at"], include=["direction"], name="message_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}"


class Reaction(models.Model):
    """What somebody thinks of a message; one emoji per person. A withdrawn one is empty."""

    # Indexed by `reaction_once_per_sender`.
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="reactions", db_index=False
    )
    sender = models.CharField(max_length=80, help_text="JID of who reacted")
    # Kept when it is taken back: an older reaction that comes late must not win.
    emoji = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "sender"], name="reaction_once_per_sender"
            )
        ]

    def __str__(self) -> str:
        return f"{self.emoji or 'nothing'} on message {self.message_id}"


class MessageCount(models.Model):
    """How many messages of one kind a session sent, and how many failed, so far."""

    # Indexed by `count_once_per_kind`.
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="message_counts", db_index=False
    )
    kind = models.CharField(max_length=16, choices=MessageKind.choices)
    sent = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    last_sent_at = models.DateTimeField(null=True, blank=True)
    last_failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "kind"], name="count_once_per_kind"),
            models.CheckConstraint(
                condition=Q(kind__in=MessageKind.values), name="count_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.sent} sent, {self.failed} failed"
