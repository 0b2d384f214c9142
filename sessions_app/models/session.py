"""Sessions and their history."""

from django.db import models
from django.db.models import Q

from accounts.tenancy import TenantOwnedModel
from orsta.core.crypto import EncryptedTextField
from orsta.core.models import PublicIdField, TimestampedModel
from sessions_app.models.gateways import Gateway
from sessions_app.models.proxies import Proxy
from sessions_app.states import LIVE, OPEN, DesiredState, Hold, SessionStatus

DEFAULT_EVENTS = "Message,Connected,Disconnected,QR"


class Session(TenantOwnedModel, TimestampedModel):
    """One WhatsApp account linked as a device.

    `desired` is what the tenant wants, `status` what is; only `services.lifecycle` writes
    either. A deleted session stays as a row until its engine has forgotten it.
    """

    public_id = PublicIdField("ses")
    name = models.CharField(max_length=80)
    engine = models.CharField(max_length=16)
    gateway = models.ForeignKey(
        Gateway,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="sessions",
        help_text="Where it lives, for engines that are gateways",
    )
    # The session's token in its gateway and the key of its webhooks derive from it.
    engine_secret = EncryptedTextField(blank=True, db_default="", editable=False)
    proxy = models.ForeignKey(
        Proxy,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="sessions",
        help_text="The only way it connects; empty connects directly",
    )
    device_name = models.CharField(
        max_length=50, blank=True, db_default="", help_text="What the phone lists it as"
    )
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
        max_length=20,
        choices=SessionStatus.choices,
        default=SessionStatus.CREATED,
        editable=False,
    )
    reason = models.CharField(max_length=200, blank=True, editable=False)
    reason_code = models.CharField(
        max_length=40,
        blank=True,
        db_default="",
        editable=False,
        help_text="A name of failures.py",
    )
    status_changed_at = models.DateTimeField(editable=False)
    retry_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When a ban or restriction ends, or the next attempt to connect is made",
    )
    restricted_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Until when the account may write to nobody new; outlives a reconnection",
    )
    expires_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it is stopped; see expiration"
    )
    pairings_counted_from = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When staff lifted the hourly limit"
    )
    # The newest state event that was applied: of two, the later by this pair counts.
    observed_epoch = models.BigIntegerField(default=0, db_default=0, editable=False)
    observed_seq = models.BigIntegerField(default=0, db_default=0, editable=False)
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
                condition=~Q(status__in=OPEN) | ~Q(jid=""),
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
        return self.status in OPEN

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
    old = models.CharField(max_length=20, choices=SessionStatus.choices)
    new = models.CharField(max_length=20, choices=SessionStatus.choices)
    reason = models.CharField(max_length=200, blank=True)
    reason_code = models.CharField(max_length=40, blank=True, db_default="")
    detail = models.CharField(
        max_length=200, blank=True, db_default="", help_text="What the engine said, for staff"
    )
    epoch = models.BigIntegerField(
        default=0, help_text="The lease's epoch; 0 when not a runner"
    )
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["session", "-id"], name="transition_of_session")]

    def __str__(self) -> str:
        return f"session {self.session_id}: {self.old} to {self.new}"
