"""Who did what: written in the transaction of the change, never changed afterwards."""

from django.db import models

from accounts.models.identity import Tenant


class AuditEntry(models.Model):
    """One fact of the audit log. Values of secrets are never part of it."""

    tenant = models.ForeignKey(
        Tenant, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor = models.CharField(max_length=64, help_text="A public id, or 'system'")
    action = models.CharField(max_length=60, help_text="Past tense, dotted: api_key.rotated")
    target = models.CharField(
        max_length=64, blank=True, help_text="The public id it was done to"
    )
    ip = models.GenericIPAddressField(null=True, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            # The tenant's log, newest first.
            models.Index(fields=["tenant", "-at"], name="audit_of_tenant"),
            models.Index(fields=["-at"], name="audit_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"
