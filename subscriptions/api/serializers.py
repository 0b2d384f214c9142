"""Shapes of `/v1/me`, `/v1/usage` and `/v1/plans`."""

from typing import Any

from rest_framework import serializers

from subscriptions.models import Feature, RateClass
from subscriptions.states import SubscriptionStatus

MAX_DAYS = 366
FEATURES = [feature.lower() for feature in Feature.values]
STATUSES = [status.lower() for status in SubscriptionStatus.values]


class Plain(serializers.Serializer[Any]):
    """A shape; nothing is created or updated through it."""


class UsageInput(Plain):
    """How far back the days go."""

    days = serializers.IntegerField(default=30, min_value=1, max_value=MAX_DAYS)


class MeUserOutput(Plain):
    """Whom the caller acts for: the workspace."""

    id = serializers.CharField(
        help_text="What the service that made the workspace calls it, or our own id."
    )
    tenant_id = serializers.CharField(help_text="Our own id: ten_…")
    name = serializers.CharField()
    source_service = serializers.CharField(help_text="Empty: signed up here.")
    created_by = serializers.CharField()
    status = serializers.CharField(help_text="active, suspended, deleting")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class MeSubscriptionOutput(Plain):
    """What is paid for until `expires_at`; the grace after it ends at `stops_at`."""

    id = serializers.CharField()
    user_id = serializers.CharField()
    provider = serializers.CharField()
    plan = serializers.CharField()
    status = serializers.ChoiceField(STATUSES, help_text="As it is now, to the second.")
    max_sessions = serializers.IntegerField(allow_null=True, help_text="null: unlimited.")
    max_messages = serializers.IntegerField(help_text="Per period; 0: unlimited.")
    starts_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    stops_at = serializers.DateTimeField()
    cancel_at_end = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class EntitlementsOutput(Plain):
    """What the workspace may do right now."""

    active = serializers.BooleanField(help_text="If not, every limit is 0.")
    rate_class = serializers.ChoiceField(RateClass.choices)
    limits = serializers.DictField(
        child=serializers.IntegerField(allow_null=True),
        help_text="By feature; null is unlimited, 0 is not included.",
    )


class FeatureUsageOutput(Plain):
    """How much of a feature is taken."""

    feature = serializers.ChoiceField(FEATURES)
    used = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True, help_text="null: unlimited.")
    resets_at = serializers.DateTimeField(
        allow_null=True, help_text="null: it counts what there is at once."
    )


class MeOutput(Plain):
    """The workspace, what it pays for and how much of it is taken."""

    user = MeUserOutput()
    subscription = MeSubscriptionOutput(allow_null=True, help_text="null: never had one.")
    entitlements = EntitlementsOutput()
    usage = FeatureUsageOutput(many=True)


class DayOutput(Plain):
    """How much was used on a day, UTC."""

    day = serializers.DateField()
    used = serializers.IntegerField(help_text="The sum, or the peak of what is at once.")


class FeatureDaysOutput(FeatureUsageOutput):
    """A feature's usage, now and day by day."""

    days = DayOutput(many=True)


class UsageOutput(Plain):
    """Usage of the present period and of the days before."""

    period_starts_at = serializers.DateTimeField(allow_null=True)
    period_ends_at = serializers.DateTimeField(allow_null=True)
    features = FeatureDaysOutput(many=True)


class PlanOutput(Plain):
    """Something to buy."""

    code = serializers.CharField()
    name = serializers.CharField()
    price_minor = serializers.IntegerField(help_text="Per period, in the minor unit (cents).")
    currency = serializers.CharField(help_text="ISO 4217.")
    period_days = serializers.IntegerField()
    grace_days = serializers.IntegerField()
    rate_class = serializers.ChoiceField(RateClass.choices)
    is_default = serializers.BooleanField(help_text="What turning on the API key buys.")
    is_current = serializers.BooleanField(help_text="Whether the workspace has it.")
    limits = serializers.DictField(
        child=serializers.IntegerField(allow_null=True),
        help_text="By feature; null is unlimited, absent is not included.",
    )


class PlanListOutput(Plain):
    """What can be bought, cheapest first."""

    plans = PlanOutput(many=True)
