"""Shapes of `/auth`, and of `/internal/me`."""

from typing import Any

from rest_framework import serializers

from accounts import devices, selectors
from accounts.models import LoginSession
from accounts.principal import Restriction
from accounts.selectors import people
from accounts.services import signup

_CODE_LENGTH = 40  # recovery codes are the longest
_TOKEN_LENGTH = 200
_ID_LENGTH = 32


class Text(serializers.CharField):
    """A JSON string, and nothing that could be turned into one."""

    def to_internal_value(self, data: Any) -> str:
        """Refuse numbers, which DRF would take."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


def _email(**options: Any) -> Text:
    return Text(max_length=signup.MAX_EMAIL_LENGTH, **options)


def _password(**options: Any) -> Text:
    return Text(
        max_length=signup.MAX_PASSWORD_LENGTH, trim_whitespace=False, write_only=True, **options
    )


def _new_password(**options: Any) -> Text:
    return _password(
        help_text="At least 8 characters, not a common one, not like the name.", **options
    )


def _code(**options: Any) -> Text:
    return Text(max_length=_CODE_LENGTH, write_only=True, **options)


class SignUpInput(serializers.Serializer[Any]):
    """Who wants in."""

    username = Text(
        max_length=signup.MAX_USERNAME_LENGTH,
        trim_whitespace=False,
        help_text="3 to 40 characters of A-Z, a-z, 0-9, dot, dash and underscore.",
    )
    email = _email(help_text="Stored in lower case. A code and a link to verify it are mailed.")
    password = _new_password()
    passkey = serializers.DictField(
        required=False,
        allow_null=True,
        allow_empty=False,
        help_text="What the browser made of `POST /auth/passkeys/signup-options`, or null.",
    )


class LogInInput(serializers.Serializer[Any]):
    """Who wants back in: by e-mail address or user name."""

    email = _email(required=False)
    username = Text(max_length=signup.MAX_EMAIL_LENGTH, required=False)
    password = _password()
    code = _code(required=False, help_text="The second factor in one go, of who has one.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for one of the two names."""
        name = attrs.pop("email", None) or attrs.pop("username", None)
        if name is None:
            raise serializers.ValidationError({"email": ["Give this or the username."]})
        attrs.pop("username", None)
        return attrs | {"name": name}


class SecondFactorInput(serializers.Serializer[Any]):
    """The second factor of a login that waits for it: a code or a passkey."""

    pending = Text(max_length=_TOKEN_LENGTH, help_text="From the 401 of `POST /auth/login`.")
    code = _code(required=False, help_text="Of the authenticator app, or a recovery code.")
    passkey = serializers.DictField(
        required=False, help_text="The browser's answer to `POST /auth/passkeys/login/options`."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for one of the two factors."""
        if "code" not in attrs and "passkey" not in attrs:
            raise serializers.ValidationError({"code": ["Give this or the passkey."]})
        return attrs


class VerifyInput(serializers.Serializer[Any]):
    """The link's token, or the code and the address it was mailed to."""

    token = Text(max_length=_TOKEN_LENGTH, required=False)
    code = _code(required=False)
    email = _email(required=False, help_text="Not needed by whoever is logged in.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for one of the two proofs."""
        if "token" not in attrs and "code" not in attrs:
            raise serializers.ValidationError({"code": ["Give this or the token."]})
        return attrs


class EmailInput(serializers.Serializer[Any]):
    """Whom to mail."""

    email = _email()


class ResetInput(serializers.Serializer[Any]):
    """The link's token, or the code and the address it was mailed to; and the new password."""

    token = Text(max_length=_TOKEN_LENGTH, required=False)
    email = _email(required=False)
    code = _code(required=False)
    new_password = _new_password(required=False)
    newPassword = _password(  # noqa: N815 (a name on the wire)
        required=False, help_text="The same, as it was named before."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for a whole proof, and for the password under either name."""
        if "token" not in attrs and not {"email", "code"} <= attrs.keys():
            raise serializers.ValidationError({"token": ["Give this, or email and code."]})
        password = attrs.pop("newPassword", None)
        attrs.setdefault("new_password", password)
        if attrs["new_password"] is None:
            raise serializers.ValidationError({"new_password": ["This field is required."]})
        return attrs


class PasswordChangeInput(serializers.Serializer[Any]):
    """The old password and the new one."""

    current_password = _password()
    new_password = _new_password()


class SwitchInput(serializers.Serializer[Any]):
    """Where to go on."""

    tenant_id = Text(max_length=_ID_LENGTH)


class LoginOutput(serializers.Serializer[Any]):
    """A fresh login, for programs; browsers also get it as the cookie."""

    token = serializers.CharField(
        source="tokens.access", help_text="Send it as `Authorization: Bearer`. Seven days."
    )
    user_id = serializers.CharField(source="user.public_id")
    username = serializers.CharField(source="user.username")
    eakey = serializers.CharField(
        help_text="The API key: in full at sign-up only, masked afterwards."
    )


class RefreshedOutput(serializers.Serializer[Any]):
    """The new access token, for programs; browsers also get it as the cookie."""

    token = serializers.CharField(source="access")


class LoggedOutOutput(serializers.Serializer[Any]):
    """The login is over, or there was none."""

    ok = serializers.BooleanField()


class StatusOutput(serializers.Serializer[Any]):
    """It was done, or it is not told whether there was anything to do."""

    status = serializers.CharField()


class WorkspaceOutput(serializers.Serializer[Any]):
    """A tenant, and what the caller is to it."""

    id = serializers.CharField(source="tenant.public_id")
    name = serializers.CharField(source="tenant.name")
    role = serializers.CharField(help_text="OWNER, ADMIN and so on; empty for an API key.")


class FactorsOutput(serializers.Serializer[Any]):
    """The second factors of a person; none are shown to an API key."""

    totp = serializers.BooleanField(help_text="Whether an authenticator app is set up.")
    passkeys = serializers.IntegerField()
    recovery_codes_left = serializers.IntegerField()


class AboutOutput(serializers.Serializer[Any]):
    """Who is calling. For an API key, the person who made it."""

    user_id = serializers.CharField(source="profile.user.public_id", default="")
    username = serializers.CharField(source="profile.user.username", default="")
    email = serializers.CharField(source="profile.user.email", default="")
    email_verified = serializers.SerializerMethodField()
    tenant = WorkspaceOutput(source="profile", help_text="The one the caller acts for.")
    workspaces = WorkspaceOutput(many=True, help_text="All of the person; none for a key.")
    second_factors = FactorsOutput(source="factors")
    restriction = serializers.ChoiceField(
        [each.value for each in Restriction],
        source="principal.restriction",
        help_text="Why the caller may only read: its address is not verified, or the "
        "workspace is suspended.",
    )
    eakey = serializers.SerializerMethodField(help_text="The API key, masked.")
    api_key_active = serializers.SerializerMethodField()

    def get_email_verified(self, about: people.About) -> bool:
        """Say whether the person proved that it reads its address."""
        user = about.profile.user
        return user is not None and user.email_verified_at is not None

    def get_eakey(self, about: people.About) -> str:
        """Return the masked key, "" if there is none."""
        key = about.profile.api_key
        return selectors.masked_key(key) if key else ""

    def get_api_key_active(self, about: people.About) -> bool:
        """Say whether the key opens anything."""
        return about.profile.api_key is not None and about.profile.tenant.api_enabled


class LoginSessionOutput(serializers.Serializer[Any]):
    """A login of a person on one device."""

    id = serializers.CharField(source="public_id")
    device = serializers.SerializerMethodField(help_text='For people: "Chrome on Linux".')
    ip = serializers.CharField(help_text="Where it was opened from; null if not known.")
    workspace = serializers.CharField(source="tenant.public_id")
    created_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField(
        source="last_used_at", help_text="To the minute; null if it was not used yet."
    )
    current = serializers.SerializerMethodField(help_text="Whether it is the one that asks.")

    def get_device(self, login: LoginSession) -> str:
        """Return what the person may recognize."""
        return devices.name_of(login.user_agent)

    def get_current(self, login: LoginSession) -> bool:
        """Compare with the credential of the request."""
        return bool(login.public_id == self.context["credential_id"])


class LoginSessionPage(serializers.Serializer[Any]):
    """A page of logins, the newest first."""

    login_sessions = LoginSessionOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ServiceAuthOutput(serializers.Serializer[Any]):
    """How a sibling service is known."""

    mode = serializers.ChoiceField(["scoped", "global"])
    source_service = serializers.CharField(help_text='"" for a global key.')


class InternalMeOutput(serializers.Serializer[Any]):
    """The answer of `/internal/me`."""

    auth = ServiceAuthOutput()
