"""Shapes of API keys."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from accounts import key_limits, selectors
from accounts.api.serializers import Text
from accounts.models import ApiKey, ApiKeyState
from accounts.services import keys

_MAX_OVERLAP_HOURS = int(keys.MAX_OVERLAP.total_seconds() // 3600)
_SCOPES = (
    'What it may do, such as `messages:write`; `["*"]` is all that a key may. Nobody gives '
    "more than they have."
)


def _texts(length: int, help_text: str) -> serializers.ListField:
    return serializers.ListField(
        child=Text(max_length=length),
        max_length=key_limits.MAX_ENTRIES,
        required=False,
        help_text=help_text,
    )


class KeyLimits(serializers.Serializer[Any]):
    """What a key may do, for which sessions, from where and until when."""

    scopes = _texts(40, _SCOPES)
    session_ids = _texts(40, "The only sessions it may touch; empty: every one.")
    networks = _texts(
        key_limits.MAX_NETWORK_LENGTH,
        "Addresses and CIDR blocks it may be used from; empty: anywhere.",
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When it ends by itself; null: never."
    )


class KeyInput(KeyLimits):
    """A key to be made. Without scopes it gets all that its maker can give."""

    name = Text(max_length=key_limits.MAX_NAME_LENGTH, help_text="What it is used for.")


class KeyChange(KeyLimits):
    """What of a key changes; the rest stays."""

    name = Text(max_length=key_limits.MAX_NAME_LENGTH, required=False)


class RotationInput(serializers.Serializer[Any]):
    """How long the old key works beside the new one."""

    overlap_hours = serializers.IntegerField(
        min_value=0,
        max_value=_MAX_OVERLAP_HOURS,
        default=0,
        help_text="0 ends the old key at once, its sockets too.",
    )


class KeyFilters(serializers.Serializer[Any]):
    """Which keys."""

    state = serializers.ChoiceField(
        ApiKeyState.choices, required=False, help_text="Absent: all that are not revoked."
    )


class KeyOutput(serializers.Serializer[Any]):
    """An API key; never what opens with it."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    masked = serializers.SerializerMethodField(help_text="To recognise it by.")
    state = serializers.SerializerMethodField()
    active = serializers.SerializerMethodField(
        help_text="Whether it opens anything now: it has not ended, and the API is on."
    )
    scopes = serializers.ListField(child=serializers.CharField())
    session_ids = serializers.ListField(child=serializers.CharField())
    networks = serializers.ListField(child=serializers.CharField())
    created_by = serializers.CharField(source="created_by.public_id", default="")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="To the minute; null: never."
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    replaced_by = serializers.CharField(
        source="replaced_by.public_id", default="", help_text='The key that follows it, or "".'
    )

    def get_masked(self, key: ApiKey) -> str:
        """Return the key with its secret left out."""
        return selectors.masked_key(key)

    def get_state(self, key: ApiKey) -> ApiKeyState:
        """Return how it stands."""
        return key.state_at(timezone.now())

    def get_active(self, key: ApiKey) -> bool:
        """Say whether it opens anything."""
        return key.works_at(timezone.now()) and key.tenant.api_enabled


class KeyEnvelope(serializers.Serializer[Any]):
    """One key."""

    key = KeyOutput()


class NewKey(KeyEnvelope):
    """A key that was just made."""

    api_key = serializers.CharField(
        help_text='The key in full, this once; "" when the answer is replayed.'
    )


class KeyPage(serializers.Serializer[Any]):
    """Keys, newest first."""

    keys = KeyOutput(many=True)
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Give it as `cursor` for the next page; null on the last."
    )
