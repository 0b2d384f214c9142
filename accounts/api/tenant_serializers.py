"""Shapes of workspaces, members, invitations, exports and the audit log."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import Text
from accounts.models import ExportStatus, Role, TenantStatus
from accounts.services import signup, tenants
from accounts.services.invitations import Joined


class TenantOutput(serializers.Serializer[Any]):
    """A workspace."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    default_country = serializers.CharField(
        help_text="Completes phone numbers that are written without their country code."
    )
    status = serializers.ChoiceField(TenantStatus.choices)
    status_reason = serializers.CharField(
        help_text="Why it was suspended; empty if it was not."
    )
    api_enabled = serializers.BooleanField(help_text="Whether its API keys open anything.")
    purge_at = serializers.DateTimeField(
        allow_null=True, help_text="When a deletion becomes final; null if none is scheduled."
    )
    created_at = serializers.DateTimeField()


class TenantInput(serializers.Serializer[Any]):
    """What of a workspace can be changed."""

    name = Text(required=False, max_length=tenants.MAX_NAME_LENGTH)
    default_country = Text(
        required=False,
        allow_blank=True,
        max_length=2,
        help_text="ISO 3166 code of two letters, like DE: completes phone numbers that are "
        "written without their country code. Empty: none.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError({"name": ["This field is required."]})
        return attrs


class DeletionInput(serializers.Serializer[Any]):
    """Proof that it is the owner who deletes, and that they mean this workspace."""

    password = Text(
        max_length=signup.MAX_PASSWORD_LENGTH, trim_whitespace=False, write_only=True
    )
    confirm = Text(max_length=tenants.MAX_NAME_LENGTH, help_text="The workspace's name.")


class MemberOutput(serializers.Serializer[Any]):
    """Somebody who belongs to the workspace."""

    id = serializers.CharField(source="public_id")
    user_id = serializers.CharField(source="user.public_id")
    username = serializers.CharField(source="user.username")
    email = serializers.CharField(source="user.email")
    role = serializers.ChoiceField(Role.choices)
    active = serializers.BooleanField(
        source="user.is_active", help_text="False: shut out by our staff."
    )
    joined_at = serializers.DateTimeField(source="created_at")


class RoleInput(serializers.Serializer[Any]):
    """What a member becomes."""

    role = serializers.ChoiceField(Role.choices)


class InvitationInput(serializers.Serializer[Any]):
    """Who is to belong to the workspace, and as what."""

    email = Text(max_length=signup.MAX_EMAIL_LENGTH)
    role = serializers.ChoiceField(Role.choices)


class InvitationOutput(serializers.Serializer[Any]):
    """A place that was offered and not taken yet."""

    id = serializers.CharField(source="public_id")
    email = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    invited_by = serializers.CharField(
        source="invited_by.public_id", default="", help_text='"" if that person is gone.'
    )
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="After this its link opens nothing.")


class AcceptInput(serializers.Serializer[Any]):
    """The token of the mailed link; and who one will be, for somebody without an account."""

    token = Text(max_length=100, write_only=True)
    username = Text(
        max_length=signup.MAX_USERNAME_LENGTH,
        trim_whitespace=False,
        required=False,
        help_text="Only for a new account, as at sign-up.",
    )
    password = Text(
        max_length=signup.MAX_PASSWORD_LENGTH,
        trim_whitespace=False,
        write_only=True,
        required=False,
        help_text="Only for a new account, as at sign-up.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse half an account."""
        if ("username" in attrs) != ("password" in attrs):
            raise serializers.ValidationError("Give a user name and a password, or neither.")
        return attrs


class PlaceOutput(serializers.Serializer[Any]):
    """A workspace, as what one belongs to it."""

    id = serializers.CharField(source="tenant.public_id")
    name = serializers.CharField(source="tenant.name")
    role = serializers.ChoiceField(Role.choices)


class AcceptedOutput(serializers.Serializer[Any]):
    """Where one belongs now. `token` is there for a new account only, as after sign-up."""

    user_id = serializers.CharField(source="user.public_id")
    username = serializers.CharField(source="user.username")
    workspace = PlaceOutput(source="*")
    token = serializers.SerializerMethodField(
        help_text='Send it as `Authorization: Bearer`. "" for somebody who was logged in.'
    )

    def get_token(self, joined: object) -> str:
        """Return the new login's token, if there is one."""
        return joined.tokens.access if isinstance(joined, Joined) else ""


class ExportOutput(serializers.Serializer[Any]):
    """An archive of everything the workspace has, and how far it is."""

    id = serializers.CharField(source="public_id")
    status = serializers.ChoiceField(ExportStatus.choices)
    rows_written = serializers.IntegerField()
    rows_total = serializers.IntegerField(help_text="About, until it is ready.")
    size_bytes = serializers.IntegerField()
    error = serializers.CharField(help_text='What went wrong; "" if nothing did.')
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="When the archive is deleted; null until it is ready."
    )


@extend_schema_field({"type": "object", "additionalProperties": True})
class Values(serializers.JSONField):
    """Plain values by name."""


class AuditEntryOutput(serializers.Serializer[Any]):
    """Who did what."""

    seq = serializers.IntegerField(
        allow_null=True, help_text="The entry's number in the workspace's log; none is missing."
    )
    action = serializers.CharField(help_text="Past tense: `api_key.rotated`.")
    actor = serializers.CharField(help_text='A public id, or "system".')
    target = serializers.CharField(help_text="The public id it was done to.")
    at = serializers.DateTimeField()
    ip = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()
    reason = serializers.CharField()
    before = Values()
    after = Values()
    detail = Values()
    digest = serializers.CharField(help_text="Seals this entry and all before it.")


class AuditFilters(serializers.Serializer[Any]):
    """Which entries; all that are given have to match."""

    action = serializers.CharField(
        required=False, help_text="`api_key.rotated`, or all that begin so: `api_key.`"
    )
    actor = serializers.CharField(required=False)
    target = serializers.CharField(required=False)
    since = serializers.DateTimeField(required=False, help_text="At or after this time.")
    until = serializers.DateTimeField(required=False, help_text="Before this time.")


class TenantEnvelope(serializers.Serializer[Any]):
    """One workspace."""

    tenant = TenantOutput()


class MemberEnvelope(serializers.Serializer[Any]):
    """One member."""

    member = MemberOutput()


class InvitationEnvelope(serializers.Serializer[Any]):
    """One invitation."""

    invitation = InvitationOutput()


class ExportEnvelope(serializers.Serializer[Any]):
    """One archive."""

    export = ExportOutput()


class _Page(serializers.Serializer[Any]):
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Give it as `cursor` for the next page; null on the last."
    )


class MemberPage(_Page):
    """Members, the first who joined first."""

    members = MemberOutput(many=True)


class InvitationPage(_Page):
    """Open invitations, newest first."""

    invitations = InvitationOutput(many=True)


class ExportPage(_Page):
    """Archives, newest first."""

    exports = ExportOutput(many=True)


class AuditPage(_Page):
    """Entries of the log, newest first."""

    entries = AuditEntryOutput(many=True)
