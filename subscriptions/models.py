"""Plans, who has which, and how much of it is used."""

from datetime import UTC, datetime, timedelta

from django.db import models
from django.db.models import F, Q

from accounts.tenancy import TenantOwnedModel
from orsta.core.models import PublicIdField, TimestampedModel
from subscriptions.spans import Span
from subscriptions.states import SubscriptionStatus


class Feature(models.TextChoices):
    """What a plan limits by a number."""

    SESSIONS = "SESSIONS", "Sessions at once"
    MESSAGES = "MESSAGES", "Messages per period"
    CONTACTS = "CONTACTS", "Contacts"
    WEBHOOK_ENDPOINTS = "WEBHOOK_ENDPOINTS", "Webhook endpoints"
    AGENTS = "AGENTS", "Agents"
    HISTORY_DAYS = "HISTORY_DAYS", "Days of history"


# Counted from zero in every period; the other features are gauges or plain values.
METERED = frozenset({Feature.MESSAGES})


class RateClass(models.TextChoices):
    """How many requests a tenant's programs may make; `settings.ORSTA_LIMITS` says it."""

    STANDARD = "STANDARD", "Standard"
    PLUS = "PLUS", "Plus"
    HIGH = "HIGH", "High"


class Plan(TimestampedModel):
    """Something to buy. The price is here and nowhere else."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    price_minor = models.PositiveBigIntegerField(
        help_text="Per period, in the minor unit (cents)"
    )
    currency = models.CharField(max_length=3, help_text="ISO 4217, upper case")
    period_days = models.PositiveSmallIntegerField(default=30)
    grace_days = models.PositiveSmallIntegerField(
        default=0, help_text="Days that sessions go on after the period"
    )
    rate_class = models.CharField(
        max_length=8, choices=RateClass.choices, default=RateClass.STANDARD
    )
    engine = models.CharField(
        max_length=16,
        blank=True,
        help_text="The engine of new sessions that ask for none; empty: the service's default",
    )
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
            # Money moves by one cent at least; what is never sold has no price.
            models.CheckConstraint(
                condition=Q(price_minor__gte=1) | Q(is_active=False), name="plan_price_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlanEntitlement(models.Model):
    """How much of one feature a plan gives. A feature without a row is not part of the plan."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="entitlements")
    feature = models.CharField(max_length=20, choices=Feature.choices)
    limit = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: unlimited")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "feature"], name="plan_feature_once"),
            models.CheckConstraint(
                condition=Q(feature__in=Feature.values), name="plan_feature_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature}: {'unlimited' if self.limit is None else self.limit}"


class Subscription(TenantOwnedModel, TimestampedModel):
    """A tenant's plan and the span it is paid for: [starts_at, ends_at).

    The span is cut into usage periods of the plan's length; the metered quotas of the
    present one, [period_starts_at, period_ends_at), are counted.
    """

    public_id = PublicIdField("sub")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    provider = models.CharField(
        max_length=32, default="orsta", help_text="What a sibling service calls the product"
    )
    status = models.CharField(max_length=9, choices=SubscriptionStatus.choices, editable=False)
    starts_at = models.DateTimeField(editable=False)
    ends_at = models.DateTimeField(editable=False)
    grace_ends_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancel_at_end = models.BooleanField(default=False, editable=False)
    period_starts_at = models.DateTimeField(editable=False)
    period_ends_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="subscription_once_per_tenant"),
            models.CheckConstraint(
                condition=Q(status__in=SubscriptionStatus.values),
                name="subscription_status_known",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")), name="subscription_span_runs"
            ),
            models.CheckConstraint(
                condition=Q(period_ends_at__gt=F("period_starts_at")),
                name="subscription_period_runs",
            ),
        ]
        indexes = [
            # tasks.advance_subscriptions: spans and grace that are over.
            models.Index(
                fields=["ends_at"],
                condition=Q(status__in=["TRIALING", "ACTIVE", "PAST_DUE"]),
                name="subscription_due",
            ),
            models.Index(
                fields=["grace_ends_at"],
                condition=Q(status=SubscriptionStatus.GRACE),
                name="subscription_grace_due",
            ),
            # The same: periods to roll over.
            models.Index(
                fields=["period_ends_at"],
                condition=Q(status__in=["TRIALING", "ACTIVE", "PAST_DUE", "GRACE"]),
                name="subscription_roll_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}"

    @property
    def span(self) -> Span:
        """The stored dates and what follows from them; read the plan with the row."""
        return Span(
            status=SubscriptionStatus(self.status),
            ends_at=self.ends_at,
            grace=timedelta(days=self.plan.grace_days),
            grace_ends_at=self.grace_ends_at,
            cancel_at_end=self.cancel_at_end,
            period_starts_at=self.period_starts_at,
            period_ends_at=self.period_ends_at,
            period=timedelta(days=self.plan.period_days),
        )


class SubscriptionTransition(models.Model):
    """One step of a subscription's history."""

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="transitions"
    )
    old = models.CharField(max_length=9, choices=SubscriptionStatus.choices, blank=True)
    new = models.CharField(max_length=9, choices=SubscriptionStatus.choices)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    ends_at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["subscription", "-id"], name="sub_transition_newest"),
        ]

    def __str__(self) -> str:
        return f"subscription {self.subscription_id}: {self.old or 'new'} to {self.new}"


class EntitlementOverride(TenantOwnedModel):
    """A limit that one tenant has instead of its plan's, for a while or for good."""

    feature = models.CharField(max_length=20, choices=Feature.choices)
    limit = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: unlimited")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: never")
    reason = models.CharField(max_length=200)
    created_by = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "feature"], name="override_once"),
            models.CheckConstraint(
                condition=Q(feature__in=Feature.values), name="override_feature_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature} of tenant {self.tenant_id}"


# The "period" of a gauge, which has none.
NO_PERIOD = datetime(1970, 1, 1, tzinfo=UTC)


class QuotaUsage(TenantOwnedModel):
    """How much of one feature a tenant uses in one period; moved only by conditional UPDATEs.

    A new period is a new row, so a roll-over can reset the count only once.
    """

    feature = models.CharField(max_length=20, choices=Feature.choices)
    period_starts_at = models.DateTimeField(default=NO_PERIOD)
    used = models.PositiveBigIntegerField(default=0)
    warned = models.PositiveSmallIntegerField(
        default=0, help_text="The highest warning that was given: 0, 80 or 100 (%)"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "feature", "period_starts_at"], name="usage_once_per_period"
            ),
            models.CheckConstraint(
                condition=Q(feature__in=Feature.values), name="usage_feature_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature} {self.used} (tenant {self.tenant_id})"


class UsageDay(TenantOwnedModel):
    """How much of a feature a tenant took on one day (UTC): for metered ones the sum, for
    gauges the peak."""

    feature = models.CharField(max_length=20, choices=Feature.choices)
    day = models.DateField()
    used = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "feature", "day"], name="usage_day_once")
        ]
        indexes = [
            # The dashboard's chart over all tenants.
            models.Index(fields=["day", "feature"], name="usage_day_total"),
        ]

    def __str__(self) -> str:
        return f"{self.feature} {self.used} on {self.day}"
