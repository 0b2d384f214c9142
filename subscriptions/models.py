"""Plans, who has which, and how much of it is used."""

from django.db import models
from django.db.models import F, Q

from accounts.tenancy import TenantOwnedModel
from orsta.core.models import PublicIdField, TimestampedModel
from subscriptions.states import SubscriptionStatus


class Quota(models.TextChoices):
    """What a plan limits."""

    SESSIONS = "SESSIONS", "Sessions at once"


class Plan(TimestampedModel):
    """Something to buy. The price is here and nowhere else."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    price_minor = models.PositiveBigIntegerField(
        help_text="Per period, in the minor unit (cents)"
    )
    currency = models.CharField(max_length=3, help_text="ISO 4217, upper case")
    period_days = models.PositiveSmallIntegerField(default=30)
    max_sessions = models.PositiveIntegerField()
    is_default = models.BooleanField(
        default=False, help_text="The plan that turning on the API key buys"
    )
    is_active = models.BooleanField(default=True, help_text="Whether it can be bought")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="plan_default_once",
                violation_error_message="Another plan is the default one; change that first.",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="plan_currency_iso"
            ),
            models.CheckConstraint(
                condition=Q(period_days__gte=1), name="plan_period_positive"
            ),
            models.CheckConstraint(condition=Q(price_minor__gte=1), name="plan_price_positive"),
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(TenantOwnedModel, TimestampedModel):
    """A tenant's plan and the period it is paid for: [starts_at, ends_at)."""

    public_id = PublicIdField("sub")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    status = models.CharField(max_length=12, choices=SubscriptionStatus.choices, editable=False)
    starts_at = models.DateTimeField(editable=False)
    ends_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="subscription_once_per_tenant"),
            models.CheckConstraint(
                condition=Q(status__in=SubscriptionStatus.values),
                name="subscription_status_known",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="subscription_period_runs"
            ),
        ]
        indexes = [
            # tasks.expire_subscriptions.
            models.Index(
                fields=["ends_at"],
                condition=Q(status=SubscriptionStatus.ACTIVE),
                name="subscription_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}"


class QuotaUsage(TenantOwnedModel):
    """How much of one quota a tenant uses; moved only by conditional UPDATEs."""

    quota = models.CharField(max_length=20, choices=Quota.choices)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "quota"], name="quota_once_per_tenant"),
            models.CheckConstraint(condition=Q(quota__in=Quota.values), name="quota_known"),
        ]

    def __str__(self) -> str:
        return f"{self.quota} {self.used} (tenant {self.tenant_id})"
