"""Shapes of `/auth` and `/internal`."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import selectors
from accounts.services import signup


class Text(serializers.CharField):
    """A JSON string, and nothing that could be turned into one."""

    def to_internal_value(self, data: Any) -> str:
        """Refuse numbers, which DRF would take."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "nullable": True})
class Passkey(serializers.Field[None, Any, None, Any]):
    """Reserved: only null is taken until passkeys exist."""

    def to_internal_value(self, data: Any) -> None:
        """Refuse whatever is not null."""
        raise serializers.ValidationError("Passkeys are not supported yet; leave it out.")

    def to_representation(self, value: Any) -> None:
        """Show nothing."""


class SignUpInput(serializers.Serializer[Any]):
    """Who wants in."""

    username = Text(
        max_length=signup.MAX_USERNAME_LENGTH,
        trim_whitespace=False,
        help_text="3 to 40 characters of A-Z, a-z, 0-9, dot, dash and underscore.",
    )
    email = Text(max_length=signup.MAX_EMAIL_LENGTH, help_text="Stored in lower case.")
    password = Text(
        max_length=signup.MAX_PASSWORD_LENGTH,
        trim_whitespace=False,
        write_only=True,
        help_text="At least 8 characters, not a common one, not like the name.",
    )
    passkey = Passkey(required=False, allow_null=True, help_text="Reserved: null or absent.")


class LogInInput(serializers.Serializer[Any]):
    """Who wants back in."""

    email = Text(max_length=signup.MAX_EMAIL_LENGTH)
    password = Text(
        max_length=signup.MAX_PASSWORD_LENGTH, trim_whitespace=False, write_only=True
    )


class LoginOutput(serializers.Serializer[Any]):
    """A fresh login, for programs; browsers also get it as the cookie."""

    token = serializers.CharField(help_text="Send it as `Authorization: Bearer`. Seven days.")
    user_id = serializers.CharField(source="user.public_id")
    username = serializers.CharField(source="user.username")
    eakey = serializers.CharField(
        help_text="The API key: in full at sign-up only, masked afterwards."
    )


class LoggedOutOutput(serializers.Serializer[Any]):
    """The login is over, or there was none."""

    ok = serializers.BooleanField()


class WorkspaceOutput(serializers.Serializer[Any]):
    """The tenant a caller acts for."""

    id = serializers.CharField(source="tenant.public_id")
    name = serializers.CharField(source="tenant.name")
    role = serializers.CharField(
        help_text='"OWNER" or "MEMBER"; "" for a key without a person.'
    )


class MeOutput(serializers.Serializer[Any]):
    """Who is calling. For an API key, the person who made it."""

    user_id = serializers.CharField(source="user.public_id", default="")
    username = serializers.CharField(source="user.username", default="")
    email = serializers.CharField(source="user.email", default="")
    tenant = WorkspaceOutput(source="*")
    eakey = serializers.SerializerMethodField(help_text="The API key, masked.")
    api_key_active = serializers.SerializerMethodField()

    def get_eakey(self, profile: selectors.Profile) -> str:
        """Return the masked key, "" if there is none."""
        return selectors.masked_key(profile.api_key) if profile.api_key else ""

    def get_api_key_active(self, profile: selectors.Profile) -> bool:
        """Say whether the key opens anything."""
        return profile.api_key is not None and profile.api_key.is_active


class ServiceAuthOutput(serializers.Serializer[Any]):
    """How a sibling service is known."""

    mode = serializers.ChoiceField(["scoped", "global"])
    source_service = serializers.CharField(help_text='"" for a global key.')


class InternalMeOutput(serializers.Serializer[Any]):
    """The answer of `/internal/me`."""

    auth = ServiceAuthOutput()
