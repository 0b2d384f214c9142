"""What there is to do, who does it, and who holds which session."""

from django.db import models
from django.db.models import Q

from accounts.tenancy import TenantOwnedModel
from sessions_app.models.session import Session
from sessions_app.states import CommandKind, CommandState


class Command(TenantOwnedModel):
    """Something a runner has to do. The rows of a session run in the order of their ids.

    Sends wait until the session is connected; the other kinds do not wait for them.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="commands")
    kind = models.CharField(max_length=16, choices=CommandKind.choices)
    payload = models.JSONField(default=dict)
    dedupe_key = models.CharField(
        max_length=80, blank=True, help_text="Two with the same key are one command"
    )
    state = models.CharField(
        max_length=8, choices=CommandState.choices, default=CommandState.QUEUED, editable=False
    )
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    epoch = models.BigIntegerField(
        default=0, editable=False, help_text="The lease's epoch when it was handed over"
    )
    not_before = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Not executed after this"
    )
    error = models.CharField(max_length=300, blank=True, editable=False)
    result = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=CommandState.values), name="command_state_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=CommandKind.values), name="command_kind_known"
            ),
            models.UniqueConstraint(
                fields=["session", "dedupe_key"],
                condition=~Q(dedupe_key=""),
                name="command_once",
            ),
        ]
        indexes = [
            # commands.waiting: what a runner's sessions still have to do, in order.
            models.Index(
                fields=["session", "id"],
                condition=Q(state=CommandState.QUEUED),
                name="command_queued",
            ),
            # commands.settle_abandoned: what was handed over and has no ending.
            models.Index(
                fields=["session"],
                condition=Q(state=CommandState.RUNNING),
                name="command_running",
            ),
            # metrics: those that somebody has to look at.
            models.Index(
                fields=["state"],
                condition=Q(state=CommandState.UNKNOWN),
                name="command_unknown",
            ),
            # commands.expire_due.
            models.Index(
                fields=["expires_at"],
                condition=Q(state=CommandState.QUEUED, expires_at__isnull=False),
                name="command_expiring",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} of session {self.session_id}"


class Runner(models.Model):
    """One process of `manage.py run_sessions`; the row says whether it lives."""

    node = models.CharField(max_length=80, unique=True, help_text="Host and process")
    version = models.CharField(max_length=40)
    capacity = models.PositiveIntegerField()
    sessions = models.PositiveIntegerField(default=0)
    load = models.FloatField(
        default=0, help_text="Processes that wait for a CPU, per CPU, over a minute"
    )
    draining = models.BooleanField(default=False)
    drain_requested_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when it should give its sessions away and end"
    )
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.node


class Lease(models.Model):
    """Which runner owns a session, and until when. `epoch` grows with every owner."""

    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, primary_key=True, related_name="lease"
    )
    owner = models.CharField(max_length=80, blank=True)
    epoch = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["owner"], name="lease_of_owner")]

    def __str__(self) -> str:
        return f"session {self.session_id} by {self.owner or 'nobody'} at epoch {self.epoch}"
