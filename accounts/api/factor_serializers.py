"""Shapes of second factors and passkeys."""

from typing import Any

from rest_framework import serializers

from accounts.services import passkeys, signup

_MAX_CODE_LENGTH = 32


class CodeInput(serializers.Serializer[Any]):
    """What an authenticator app shows."""

    code = serializers.CharField(max_length=_MAX_CODE_LENGTH, help_text="Six digits.")


class FreshProofInput(serializers.Serializer[Any]):
    """Proof that it is still the same person, for a login older than 15 minutes."""

    code = serializers.CharField(
        max_length=_MAX_CODE_LENGTH,
        required=False,
        help_text="Of the authenticator app, or a recovery code.",
    )
    password = serializers.CharField(
        max_length=signup.MAX_PASSWORD_LENGTH,
        trim_whitespace=False,
        write_only=True,
        required=False,
    )

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        """Take one of the two at most."""
        if len(attrs) > 1:
            raise serializers.ValidationError("Send either code or password.")
        return attrs


class ProofInput(FreshProofInput):
    """Proof that it is still the same person: one of the two."""

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        """Ask for exactly one of the two."""
        if len(attrs) != 1:
            raise serializers.ValidationError("Send either code or password.")
        return attrs


class EnrolmentOutput(serializers.Serializer[Any]):
    """What an authenticator app has to know, shown once."""

    secret = serializers.CharField(help_text="Base32, to type in.")
    uri = serializers.CharField(help_text="`otpauth://totp/…`, for a link on a phone.")
    qr = serializers.CharField(help_text="The same as a QR code: a data URI of an SVG.")


class RecoveryCodesOutput(serializers.Serializer[Any]):
    """Ten codes, each good for one login without the app, shown once."""

    recovery_codes = serializers.ListField(child=serializers.CharField())


class OptionsOutput(serializers.Serializer[Any]):
    """The argument of `navigator.credentials.create` or `.get`, its bytes as base64url."""

    publicKey = serializers.DictField()  # noqa: N815 (the browsers' name)


class PasskeyInput(serializers.Serializer[Any]):
    """A passkey that a browser made."""

    name = serializers.CharField(
        max_length=passkeys.MAX_NAME_LENGTH, help_text="To tell it from the others."
    )
    credential = serializers.DictField(help_text="`PublicKeyCredential.toJSON()`.")


class PasskeyOutput(serializers.Serializer[Any]):
    """A passkey."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class PasskeyLoginInput(serializers.Serializer[Any]):
    """A challenge that a passkey signed."""

    credential = serializers.DictField(help_text="`PublicKeyCredential.toJSON()`.")


class SignUpOptionsInput(serializers.Serializer[Any]):
    """Who is about to sign up with a passkey."""

    username = serializers.CharField(max_length=signup.MAX_USERNAME_LENGTH)
    email = serializers.EmailField(max_length=signup.MAX_EMAIL_LENGTH)
