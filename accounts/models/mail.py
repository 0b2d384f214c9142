"""Mail to people: rows first, so that a mail server that is away loses nothing."""

from django.db import models
from django.db.models import Q

from accounts.models.identity import Tenant
from orsta.core.crypto import EncryptedTextField
from orsta.core.models import PublicIdField


class MailStatus(models.TextChoices):
    """How far a mail is."""

    QUEUED = "QUEUED", "Queued"
    SENT = "SENT", "Sent"
    FAILED = "FAILED", "Failed"


class Mail(models.Model):
    """One mail. Its values, which may hold a code, are encrypted and wiped once it is sent."""

    public_id = PublicIdField("mai")
    tenant = models.ForeignKey(
        Tenant, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    to = models.EmailField(max_length=254)
    template = models.CharField(max_length=40, help_text="Of templates/emails, without suffix")
    context = EncryptedTextField(blank=True, editable=False, help_text="JSON")
    status = models.CharField(
        max_length=6, choices=MailStatus.choices, default=MailStatus.QUEUED, editable=False
    )
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(editable=False, help_text="When it is tried next")
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "mail"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=MailStatus.values), name="mail_status_known"
            )
        ]
        indexes = [
            # services.mail.due: what a lost task or a mail server that was away left behind.
            models.Index(
                fields=["due_at"],
                condition=Q(status=MailStatus.QUEUED),
                name="mail_queued",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.to}"
