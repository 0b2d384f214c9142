"""Who did what: written in the transaction of the change, never changed afterwards.

The entries of a tenant form a chain: each carries the hash of the one before it. The
database numbers and seals them when the transaction commits (see the migration), so one
that is taken away or altered shows.
"""

from django.db import models
from django.db.models import Q

from accounts.models.identity import Tenant


class AuditEntry(models.Model):
    """One fact of the audit log. Values of secrets are never part of it."""

    # The entry outlives the tenant, and nothing may be updated here: no constraint.
    tenant = models.ForeignKey(
        Tenant,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    actor = models.CharField(
        max_length=80,
        help_text="A public id, env:<source> for a key of the environment, or 'system'",
    )
    action = models.CharField(max_length=60, help_text="Past tense, dotted: api_key.rotated")
    target = models.CharField(
        max_length=64, blank=True, help_text="The public id it was done to"
    )
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()
    chain = models.CharField(max_length=32, editable=False, help_text="The tenant's public id")
    seq = models.BigIntegerField(null=True, editable=False)
    digest = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Over this and the one before it"
    )

    class Meta:
        verbose_name_plural = "audit entries"
        constraints = [
            models.UniqueConstraint(
                fields=["chain", "seq"], condition=~Q(seq=None), name="audit_seq_once"
            )
        ]
        indexes = [
            # The tenant's log, newest first.
            models.Index(fields=["tenant", "-id"], name="audit_of_tenant"),
            # The admin's filter by action.
            models.Index(fields=["action", "-id"], name="audit_of_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"


class AuditChain(models.Model):
    """The end of a chain: what the next entry is sealed onto."""

    chain = models.CharField(max_length=32, primary_key=True)
    seq = models.BigIntegerField()
    digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.chain} at {self.seq}"
