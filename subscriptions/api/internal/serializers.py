"""Shapes of `/internal/users`. No queries."""

import re
from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.models import TenantStatus
from subscriptions.api.serializers import STATUSES
from subscriptions.directory import ExternalUser
from subscriptions.spans import LATEST

Plain = serializers.Serializer[Any]
MAX_ID_LENGTH = 64
_MAX_INTEGER = 2**31 - 1
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_RESERVED_IDS = frozenset({"bulk", ".", ".."})

USER_STATUSES = [status.lower() for status in TenantStatus.values]
SUBSCRIPTION_STATUSES = ["", *STATUSES]


class WholeNumber(serializers.IntegerField):
    """An integer of any size up to what the column takes; a bool or a text is neither."""

    def to_internal_value(self, data: Any) -> int:
        """Take numbers only, as JSON writes them."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class Rfc3339Field(serializers.DateTimeField):
    """A moment with its zone; a mere date, or a local time, could mean another day."""

    def to_internal_value(self, value: Any) -> datetime:
        """Read the one form that there is."""
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            self.fail("invalid", format="2027-01-31T00:00:00Z")
        return super().to_internal_value(value)


class ContractInput(Plain):
    """What a user may do, and until when."""

    source = serializers.CharField(  # type: ignore[assignment]
        required=False,
        allow_blank=True,
        max_length=MAX_ID_LENGTH,
        help_text="The service whose user it is; a key that is bound to one needs none.",
    )
    expires_at = Rfc3339Field(
        help_text="RFC 3339. A later date than before begins a new usage period; a past one "
        "ends the subscription."
    )
    max_sessions = WholeNumber(
        default=1, max_value=_MAX_INTEGER, help_text="Sessions at once; 0 or less means 1."
    )
    max_messages = WholeNumber(
        default=0,
        max_value=_MAX_INTEGER,
        help_text="Messages per period; 0 or less means unlimited.",
    )
    provider = serializers.CharField(
        default="", allow_blank=True, max_length=32, help_text="What you call the product."
    )
    created_by = serializers.CharField(
        default="", allow_blank=True, max_length=128, help_text="Who had the user made."
    )

    def validate_expires_at(self, value: datetime) -> datetime:
        """Refuse what no calendar here reaches."""
        if value > LATEST:
            raise serializers.ValidationError(f"Give a date up to {LATEST.date()}.")
        return value

    def validate_max_sessions(self, value: int) -> int:
        """Return at least one."""
        return max(value, 1)

    def validate_max_messages(self, value: int) -> int | None:
        """Return None for unlimited."""
        return value if value > 0 else None


class UserInput(ContractInput):
    """A user to make or to renew."""

    user_id = serializers.CharField(
        max_length=MAX_ID_LENGTH,
        help_text="What you call the user; unique within your service, and without a slash.",
    )

    def validate_user_id(self, value: str) -> str:
        """Refuse what could not be named in a path."""
        if "/" in value or value in _RESERVED_IDS:
            raise serializers.ValidationError("This can't be the id of a user.")
        return value


class UserSuspendInput(Plain):
    """Why."""

    reason = serializers.CharField(
        default="", allow_blank=True, max_length=200, help_text="Shown to staff and customers."
    )


class UserKeyRotateInput(Plain):
    """How long the old key goes on."""

    overlap_hours = serializers.IntegerField(
        default=0, min_value=0, max_value=168, help_text="0 ends the old key at once."
    )


class UserSubscriptionOutput(Plain):
    """What a user subscribes to; empty values when that is nothing."""

    provider = serializers.CharField()
    status = serializers.ChoiceField(SUBSCRIPTION_STATUSES)
    expires_at = serializers.DateTimeField(allow_null=True)
    max_sessions = serializers.IntegerField()
    max_messages = serializers.IntegerField(help_text="0 is unlimited.")


class UserOutput(Plain):
    """A user."""

    user_id = serializers.CharField(source="tenant.external_id")
    source_service = serializers.CharField(source="tenant.source")
    tenant_id = serializers.CharField(source="tenant.public_id", help_text="Our own id of it.")
    status = serializers.SerializerMethodField()
    created_by = serializers.CharField(source="tenant.created_by")
    created_at = serializers.DateTimeField(source="tenant.created_at")
    updated_at = serializers.DateTimeField(source="tenant.updated_at")
    purge_at = serializers.DateTimeField(
        source="tenant.purge_at",
        allow_null=True,
        help_text="When a deletion becomes final; null when none is scheduled.",
    )
    subscription = UserSubscriptionOutput()
    session_count = serializers.IntegerField(
        source="sessions", help_text="Sessions in any state, without the deleted."
    )

    def get_status(self, user: ExternalUser) -> str:
        """Return whether the user may act, in small letters as the first API wrote it."""
        return str(user.tenant.status).lower()


class UserEnvelope(Plain):
    """One user."""

    user = UserOutput()


class UserPageMeta(Plain):
    """Which page it is."""

    limit = serializers.IntegerField()
    page = serializers.IntegerField()
    provider = serializers.CharField(help_text="Empty: of every product.")
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="Empty: of every service."
    )
    total = serializers.IntegerField(help_text="Users on all pages.")


class UserListOutput(Plain):
    """A page of users, newest first."""

    items = UserOutput(many=True)
    meta = UserPageMeta()


class UserUpsertOutput(Plain):
    """What became of it."""

    user_id = serializers.CharField()
    api_key = serializers.CharField(help_text="Of a new user, this once; empty otherwise.")
    note = serializers.CharField()


class UserUpdatedOutput(Plain):
    """It is done."""

    message = serializers.CharField()


class UserKeyOutput(Plain):
    """What may be told of a user's API key, which is stored as a digest only."""

    user_id = serializers.CharField()
    note = serializers.CharField()
    prefix = serializers.CharField(help_text="What the key begins with.")
    hint = serializers.CharField(help_text="What it ends with.")
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField(allow_null=True)
    rotated_at = serializers.DateTimeField(
        allow_null=True, help_text="When it replaced another one; null if it is the first."
    )
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="To the minute; null if never."
    )
    expires_at = serializers.DateTimeField(allow_null=True)


class UserKeyRotatedOutput(Plain):
    """A new key, shown this once."""

    user_id = serializers.CharField()
    api_key = serializers.CharField()
