"""Answers kept for `Idempotency-Key`."""

from django.db import models


class IdempotencyRecord(models.Model):
    """The answer that one request got, kept to be given again."""

    tenant_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body")
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "key"], name="idempotency_once")
        ]
        indexes = [
            # tasks.prune_idempotency.
            models.Index(fields=["created_at"], name="idempotency_age"),
        ]

    def __str__(self) -> str:
        return f"{self.key} (tenant {self.tenant_id})"
