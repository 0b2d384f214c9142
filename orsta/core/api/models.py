"""Answers kept for `Idempotency-Key`."""

from django.db import models


class IdempotencyRecord(models.Model):
    """The answer that one request got, kept to be given again."""

    scope = models.CharField(max_length=80, help_text="Whose keys: tenant:7, service:svc_1")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=120, help_text="Of method, path and body")
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="idempotency_once")
        ]
        indexes = [
            # tasks.prune_idempotency.
            models.Index(fields=["created_at"], name="idempotency_age"),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.scope})"
