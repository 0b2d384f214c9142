"""Shapes of what links a device. No queries."""

import json
import re
from typing import Any

from rest_framework import serializers

from sessions_app import jids
from sessions_app.api.serializers import ChallengeOutput, Plain
from sessions_app.models import Command, PairingChallenge
from sessions_app.services.lookups import MAX_NUMBERS
from sessions_app.states import ChallengeKind, CommandState, SessionStatus

MAX_WAIT_SECONDS = 60
_MAX_RESPONSE = 20_000  # characters of JSON; an assertion has some 1,500
_MAX_PARTS = 100  # objects and lists in it; an assertion has three
_HALF = re.compile("[\ud800-\udfff]")


class WaitInput(Plain):
    """How long to wait."""

    timeout = serializers.IntegerField(
        required=False,
        default=30,
        min_value=1,
        max_value=MAX_WAIT_SECONDS,
        help_text="Seconds.",
    )


class Awaited(Plain):
    """What came of the wait."""

    status = serializers.ChoiceField(SessionStatus.choices)
    reason = serializers.CharField()
    reason_code = serializers.CharField()
    challenge = ChallengeOutput(
        allow_null=True, help_text="The code to scan; null when there is nothing to scan."
    )


class PhoneInput(Plain):
    """Whose phone types the code."""

    phone = serializers.CharField(
        max_length=100,
        help_text="The account's number; without a country code it is taken to be of the "
        "workspace's country.",
    )

    def validate_phone(self, value: str) -> str:
        """Return the digits. `context["tenant"]` says which country completes them."""
        return digits_of(value, self.context["tenant"].default_country)


class PairingCodeOutput(Plain):
    """The code to type: WhatsApp, Linked devices, Link with phone number instead."""

    code = serializers.CharField(source="text", help_text="Eight characters: `ABCD-EFGH`.")
    issued_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class OrderOutput(Plain):
    """Something that the runner was told to do."""

    id = serializers.CharField(source="dedupe_key")
    kind = serializers.CharField()
    state = serializers.ChoiceField(CommandState.choices)
    error = serializers.CharField(help_text="Why it failed; empty unless it did.")
    result = serializers.JSONField(help_text="What came of it; empty until it is DONE.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class OrderEnvelope(Plain):
    """Ask after it below `/commands/` until it has ended."""

    command = OrderOutput()


class PasskeyChallengeOutput(Plain):
    """What WhatsApp waits for: an answer to its challenge, or the confirmation of a code."""

    kind = serializers.ChoiceField([ChallengeKind.PASSKEY, ChallengeKind.CONFIRMATION])
    options = serializers.SerializerMethodField(
        help_text="WebAuthn's PublicKeyCredentialRequestOptions; null for a confirmation."
    )
    code = serializers.SerializerMethodField(
        help_text="The code that the phone has to show too; empty for a challenge."
    )
    expires_at = serializers.DateTimeField()

    def get_options(self, challenge: PairingChallenge) -> dict[str, Any] | None:
        """Return the challenge."""
        if challenge.kind != ChallengeKind.PASSKEY:
            return None
        options: dict[str, Any] = json.loads(challenge.text)
        return options

    def get_code(self, challenge: PairingChallenge) -> str:
        """Return the code to compare."""
        return challenge.text if challenge.kind == ChallengeKind.CONFIRMATION else ""


class PasskeyAnswerInput(Plain):
    """The authenticator's answer."""

    response = serializers.DictField(
        help_text="The PublicKeyCredential with its AuthenticatorAssertionResponse, as JSON."
    )

    def validate_response(self, value: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is no assertion for its size, or can't be stored."""
        if not value or not _is_small(value):
            raise serializers.ValidationError("Give the assertion as WebAuthn returns it.")
        return value


class ConfirmationInput(Plain):
    """The person says that both show the same code."""

    code = serializers.CharField(max_length=40, help_text="The code, as it was shown.")


class NumbersInput(Plain):
    """Whom to look up."""

    numbers = serializers.ListField(
        child=serializers.CharField(max_length=100),
        min_length=1,
        max_length=MAX_NUMBERS,
        help_text="Phone numbers; the workspace's country completes those without a code.",
    )

    def validate_numbers(self, value: list[str]) -> list[str]:
        """Return their digits, each once."""
        country = self.context["tenant"].default_country
        return list(dict.fromkeys(digits_of(text, country) for text in value))


class EngineOutput(Plain):
    """A way to reach WhatsApp."""

    engine = serializers.CharField()
    default = serializers.BooleanField(help_text="Taken when a session names none.")
    capabilities = serializers.ListField(child=serializers.CharField())


class EngineList(Plain):
    """What this deployment offers."""

    engines = EngineOutput(many=True)


def digits_of(text: str, country: str) -> str:
    """Return a phone number's digits.

    :raises rest_framework.exceptions.ValidationError: it is none.
    """
    try:
        return jids.phone_of(jids.from_phone(text, country))
    except jids.InvalidRecipient as error:
        raise serializers.ValidationError(str(error), code="invalid") from error


def engine_row(kind: str, capabilities: frozenset[Any], default: str) -> dict[str, Any]:
    """Return what the list says of an engine."""
    return {
        "engine": kind,
        "default": kind == default,
        "capabilities": sorted(capability.value for capability in capabilities),
    }


def is_over(command: Command) -> bool:
    """Say whether a command has ended, well or not."""
    return command.state not in {CommandState.QUEUED, CommandState.RUNNING}


def _is_small(value: dict[str, Any]) -> bool:
    """Say whether it is small and flat, and PostgreSQL takes its text.

    That has no null characters and no halves of surrogate pairs.
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return False
    fits = len(text) <= _MAX_RESPONSE and text.count("{") + text.count("[") <= _MAX_PARTS
    return fits and "\\u0000" not in text and not _HALF.search(text)
