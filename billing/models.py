"""Payments and the ledger. Amounts are integers in the currency's minor unit."""

from django.db import models
from django.db.models import Q

from accounts.models import User
from accounts.tenancy import TenantOwnedModel
from billing.states import LedgerKind, PaymentStatus
from orsta.core.models import PublicIdField, TimestampedModel
from subscriptions.models import Plan


class Account(TenantOwnedModel):
    """A tenant as a payer; the row that payments lock, so that two clicks take turns."""

    wallet_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="USD")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="account_once_per_tenant")
        ]

    def __str__(self) -> str:
        return f"account of tenant {self.tenant_id}"


class Payment(TenantOwnedModel, TimestampedModel):
    """One attempt to collect money; its public id is the provider's idempotency key."""

    public_id = PublicIdField("pay")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="payments")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    buys = models.CharField(
        max_length=40,
        editable=False,
        help_text="The end of the period that this payment follows; bought once",
    )
    provider = models.CharField(max_length=20)
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict, blank=True, help_text="Whatever the caller sent")
    payment_method = models.CharField(max_length=64, blank=True)
    status = models.CharField(
        max_length=12,
        choices=PaymentStatus.choices,
        default=PaymentStatus.PENDING,
        editable=False,
    )
    provider_ref = models.CharField(max_length=100, blank=True, editable=False)
    failure_reason = models.CharField(max_length=200, blank=True, editable=False)
    idempotency_key = models.CharField(max_length=255, blank=True)
    fingerprint = models.CharField(max_length=120, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="payment_once_per_key",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(status=PaymentStatus.PENDING),
                name="payment_one_pending",
            ),
            # The second net below the lock on the account: the same period is not sold twice.
            models.UniqueConstraint(
                fields=["account", "buys"],
                condition=Q(status__in=[PaymentStatus.PENDING, PaymentStatus.SUCCEEDED]),
                name="payment_once_per_period",
            ),
            models.UniqueConstraint(
                fields=["provider", "provider_ref"],
                condition=~Q(provider_ref=""),
                name="payment_ref_once",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_positive"),
            models.CheckConstraint(
                condition=Q(status__in=PaymentStatus.values), name="payment_status_known"
            ),
        ]
        indexes = [
            # The tenant's payments, and the admin's by date.
            models.Index(fields=["tenant", "-created_at"], name="payment_of_tenant"),
            models.Index(fields=["-created_at"], name="payment_newest"),
            # services.reconciliation: what waits for the provider's word.
            models.Index(
                fields=["created_at"],
                condition=Q(status=PaymentStatus.PENDING),
                name="payment_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}"


class KeptAnswer(TenantOwnedModel):
    """The answer to an `Idempotency-Key` whose request needed no payment."""

    payment = models.ForeignKey(Payment, null=True, on_delete=models.CASCADE, related_name="+")
    idempotency_key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=120)
    message = models.CharField(max_length=80)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "idempotency_key"], name="kept_answer_once_per_key"
            )
        ]
        indexes = [
            # tasks.forget_keys.
            models.Index(fields=["created_at"], name="kept_answer_age"),
        ]

    def __str__(self) -> str:
        return f"{self.idempotency_key} (tenant {self.tenant_id})"


class LedgerEntry(TenantOwnedModel):
    """Money that moved. Rows are added; the database refuses to change or delete them."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=12, choices=LedgerKind.choices)
    amount_minor = models.BigIntegerField(help_text="Positive: the tenant paid us")
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(fields=["payment", "kind"], name="ledger_once_per_payment"),
            models.CheckConstraint(
                condition=Q(kind__in=LedgerKind.values), name="ledger_kind_known"
            ),
        ]
        indexes = [
            # The tenant's sums, newest first; the admin's and the dashboard's by date.
            models.Index(fields=["tenant", "-at"], name="ledger_of_tenant"),
            models.Index(fields=["-at"], name="ledger_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_minor} {self.currency}"
