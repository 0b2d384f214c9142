"""Archives of everything a tenant has."""

from django.db import models
from django.db.models import Q

from accounts.models.identity import User
from accounts.tenancy import TenantOwnedModel
from orsta.core.models import PublicIdField


class ExportStatus(models.TextChoices):
    """How far an export is."""

    QUEUED = "QUEUED", "Queued"
    RUNNING = "RUNNING", "Running"
    READY = "READY", "Ready"
    FAILED = "FAILED", "Failed"
    EXPIRED = "EXPIRED", "Expired"


class TenantExport(TenantOwnedModel):
    """One archive: a ZIP of JSON Lines files, one per kind of row."""

    public_id = PublicIdField("exp")
    requested_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    status = models.CharField(
        max_length=7, choices=ExportStatus.choices, default=ExportStatus.QUEUED, editable=False
    )
    rows_total = models.PositiveBigIntegerField(default=0, editable=False)
    rows_written = models.PositiveBigIntegerField(default=0, editable=False)
    size_bytes = models.PositiveBigIntegerField(default=0, editable=False)
    file = models.CharField(max_length=200, blank=True, editable=False)
    error = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField()
    touched_at = models.DateTimeField(help_text="When its task last said that it lives")
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ExportStatus.values), name="export_status_known"
            ),
            models.UniqueConstraint(
                fields=["tenant"],
                condition=Q(status__in=["QUEUED", "RUNNING"]),
                name="export_once_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}"
