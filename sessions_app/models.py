"""The session aggregate: what is needed to say what a session is."""

from django.db import models
from django.db.models import Q

from accounts.tenancy import TenantOwnedModel
from orsta.core.crypto import EncryptedTextField
from orsta.core.models import PublicIdField, TimestampedModel
from sessions_app.states import (
    LIVE,
    CommandKind,
    CommandState,
    DesiredState,
    Hold,
    SessionStatus,
)

DEFAULT_EVENTS = "Message,Connected,Disconnected,QR"


class Session(TenantOwnedModel, TimestampedModel):
    """One WhatsApp account linked as a device.

    `desired` is what the tenant wants, `status` what is; only `services.lifecycle` writes
    either. A deleted session stays as a row until its engine has forgotten it.
    """

    public_id = PublicIdField("ses")
    name = models.CharField(max_length=80)
    engine = models.CharField(max_length=16)
    webhook_url = models.URLField(max_length=500, blank=True)
    events = models.CharField(max_length=300, default=DEFAULT_EVENTS)
    expiration_seconds = models.PositiveIntegerField(default=0)
    auto_connect = models.BooleanField(default=True)
    auto_read_enabled = models.BooleanField(default=False)
    typing_enabled = models.BooleanField(default=False)
    history_limit = models.PositiveIntegerField(default=0, help_text="Messages kept per chat")

    desired = models.CharField(
        max_length=8,
        choices=DesiredState.choices,
        default=DesiredState.STOPPED,
        editable=False,
    )
    hold = models.CharField(
        max_length=12,
        choices=Hold.choices,
        blank=True,
        editable=False,
        help_text="Why it must not run although its tenant wants it to",
    )
    status = models.CharField(
        max_length=16,
        choices=SessionStatus.choices,
        default=SessionStatus.CREATED,
        editable=False,
    )
    reason = models.CharField(max_length=200, blank=True, editable=False)
    status_changed_at = models.DateTimeField(editable=False)
    retry_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When a ban ends"
    )
    expires_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it is stopped; see expiration"
    )
    provisioned_at = models.DateTimeField(null=True, blank=True, editable=False)
    jid = models.CharField(max_length=80, blank=True, editable=False)
    push_name = models.CharField(max_length=120, blank=True, editable=False)
    last_synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_activity_at = models.DateTimeField(null=True, blank=True, editable=False)
    messages_sent = models.PositiveBigIntegerField(default=0, editable=False)
    messages_failed = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=SessionStatus.values), name="session_status_known"
            ),
            models.CheckConstraint(
                condition=Q(desired__in=DesiredState.values), name="session_desired_known"
            ),
            models.CheckConstraint(
                condition=Q(hold="") | Q(hold__in=Hold.values), name="session_hold_known"
            ),
            models.CheckConstraint(
                condition=~Q(status=SessionStatus.CONNECTED) | ~Q(jid=""),
                name="session_connected_has_jid",
            ),
        ]
        indexes = [
            # /v1/sessions: a tenant's sessions, newest first, without the deleted.
            models.Index(
                fields=["tenant", "-id"],
                condition=~Q(desired=DesiredState.DELETED),
                name="session_of_tenant",
            ),
            # leases.claim: what a runner could take.
            models.Index(
                fields=["id"],
                condition=Q(desired=DesiredState.RUNNING, hold=""),
                name="session_wanted",
            ),
            # tasks.stop_expired.
            models.Index(
                fields=["expires_at"],
                condition=Q(desired=DesiredState.RUNNING, expires_at__isnull=False),
                name="session_expiring",
            ),
            # messaging.tasks.prune_history.
            models.Index(
                fields=["id"],
                condition=Q(history_limit__gt=0) & ~Q(desired=DesiredState.DELETED),
                name="session_with_history",
            ),
            # The admin's status filter and the dashboard's counts.
            models.Index(fields=["status", "-id"], name="session_by_status"),
            # tasks.resume_provisioning.
            models.Index(
                fields=["created_at"],
                condition=Q(provisioned_at=None),
                name="session_unprovisioned",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"

    @property
    def is_connected(self) -> bool:
        """Whether messages go in and out right now."""
        return self.status == SessionStatus.CONNECTED

    @property
    def may_run(self) -> bool:
        """Whether its tenant wants it to run and nothing holds it."""
        return self.desired == DesiredState.RUNNING and not self.hold

    @property
    def is_live(self) -> bool:
        """Whether a runner holds it, or should."""
        return self.status in LIVE


class SessionTransition(models.Model):
    """One step of a session's history."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="transitions")
    old = models.CharField(max_length=16, choices=SessionStatus.choices)
    new = models.CharField(max_length=16, choices=SessionStatus.choices)
    reason = models.CharField(max_length=200, blank=True)
    epoch = models.BigIntegerField(
        default=0, help_text="The lease's epoch; 0 when not a runner"
    )
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["session", "-id"], name="transition_of_session")]

    def __str__(self) -> str:
        return f"session {self.session_id}: {self.old} to {self.new}"


class PairingChallenge(models.Model):
    """The code to scan now. Its text links a device, so it is encrypted at rest."""

    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="challenge")
    text = EncryptedTextField(editable=False)
    seq = models.PositiveIntegerField()
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"challenge {self.seq} of session {self.session_id}"


class Command(TenantOwnedModel):
    """Something a runner has to do. The rows of a session run in the order of their ids.

    Sends wait until the session is connected; the other kinds do not wait for them.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="commands")
    kind = models.CharField(max_length=16, choices=CommandKind.choices)
    payload = models.JSONField(default=dict)
    state = models.CharField(
        max_length=8, choices=CommandState.choices, default=CommandState.QUEUED, editable=False
    )
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    not_before = models.DateTimeField(null=True, blank=True)
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
        ]
        indexes = [
            # commands.waiting: what a runner's sessions still have to do, in order.
            models.Index(
                fields=["session", "id"],
                condition=Q(state=CommandState.QUEUED),
                name="command_queued",
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
    draining = models.BooleanField(default=False)
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
