"""Shapes of the billing endpoints."""

import json
import math
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing import money
from billing.selectors import Summary
from billing.services import payments
from billing.services.answers import Activation

_METADATA_BYTES = 4_096


@extend_schema_field(OpenApiTypes.DOUBLE)
class AmountField(serializers.Field[Any, Any, Any, Any]):
    """A JSON number; neither text nor true, which Python would take for 1."""

    default_error_messages = {"invalid": "A finite number is required."}

    def to_internal_value(self, data: object) -> int | float:
        if isinstance(data, bool) or not isinstance(data, int | float) or not _finite(data):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(OpenApiTypes.ANY)
class MetadataField(serializers.JSONField):
    """Any JSON that PostgreSQL can store, of a bounded size."""

    default_error_messages = {
        "too_large": f"At most {_METADATA_BYTES} bytes.",
        "unstorable": "Infinite numbers, NUL characters and broken Unicode can't be stored.",
    }

    def to_internal_value(self, data: Any) -> Any:
        try:
            text = json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            self.fail("unstorable")
        if len(text) > _METADATA_BYTES:
            self.fail("too_large")
        if b"\\u0000" in text.replace(b"\\\\", b""):
            self.fail("unstorable")
        return data


class EnableApiKeyInput(serializers.Serializer[Any]):
    """What turning on the key may say."""

    amount = AmountField(
        required=False,
        allow_null=True,
        help_text="What you expect to pay, in major units; another price than the plan's is "
        "refused with 422. Leave it out to accept the plan's price.",
    )
    description = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=200,
        help_text=f"For the receipt; {payments.DESCRIPTION!r} if absent.",
    )
    metadata = MetadataField(
        required=False, allow_null=True, help_text="Kept with the payment. Up to 4 KB of JSON."
    )
    payment_method = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=64,
        help_text="The provider's token. Sandbox: tok_ok (default), tok_declined, "
        "tok_insufficient_funds, tok_timeout, tok_lost.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take null for absent, as clients of the system before send it."""
        return {name: value for name, value in attrs.items() if value is not None}


class EnableApiKeyOutput(serializers.Serializer[Activation]):
    """How the key came to be on."""

    ok = serializers.BooleanField(default=True)
    message = serializers.CharField()
    transaction_id = serializers.SerializerMethodField()
    provider = serializers.CharField()
    amount_charged = serializers.SerializerMethodField()
    amount_charged_minor = serializers.IntegerField(
        source="charged_minor", help_text="In the minor unit (cents); 0 within a paid period."
    )
    currency = serializers.CharField()

    def get_transaction_id(self, activation: Activation) -> str | None:
        return activation.payment.provider_ref if activation.payment else None

    def get_amount_charged(self, activation: Activation) -> float:
        return money.to_major(activation.charged_minor, activation.currency)


class DisableApiKeyOutput(serializers.Serializer[Any]):
    """The key is off."""

    ok = serializers.BooleanField()
    message = serializers.CharField()


class ApiKeyStatusOutput(serializers.Serializer[Any]):
    """Whether the key opens anything."""

    active = serializers.BooleanField()
    api_key = serializers.CharField(
        allow_null=True, help_text="Masked: a key is shown in full once, when it is made."
    )


class BillingSummaryOutput(serializers.Serializer[Summary]):
    """A tenant's money, as numbers for people and as integers for programs."""

    currency = serializers.CharField()
    amount_in_wallet = serializers.SerializerMethodField()
    amount_in_wallet_minor = serializers.IntegerField(source="wallet_minor")
    amount_spent = serializers.SerializerMethodField(help_text="The last charge.")
    amount_spent_minor = serializers.IntegerField(source="spent_minor")
    total_amount_spent = serializers.SerializerMethodField()
    total_amount_spent_minor = serializers.IntegerField(source="total_minor")
    average_hourly_consumption = serializers.SerializerMethodField(
        help_text="What the last 30 days cost, divided by their 720 hours."
    )
    average_hourly_consumption_minor = serializers.FloatField(
        source="hourly_minor", help_text="In the minor unit, with a fraction."
    )

    def get_amount_in_wallet(self, summary: Summary) -> float:
        return money.to_major(summary.wallet_minor, summary.currency)

    def get_amount_spent(self, summary: Summary) -> float:
        return money.to_major(summary.spent_minor, summary.currency)

    def get_total_amount_spent(self, summary: Summary) -> float:
        return money.to_major(summary.total_minor, summary.currency)

    def get_average_hourly_consumption(self, summary: Summary) -> float:
        return round(summary.hourly_minor * money.to_major(1, summary.currency), 6)


def _finite(number: float) -> bool:
    return isinstance(number, int) or math.isfinite(number)
