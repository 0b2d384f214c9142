"""What a caller gives to play the other side of a sandbox session. No queries."""

from typing import Any

from rest_framework import serializers

from sessions_app import jids
from sessions_app.api.serializers import Plain
from sessions_app.engines.sandbox import actions
from sessions_app.failures import FAILURES

FAULTS = (*actions.STREAM_FAULTS, actions.PAIRING_FAULT, *actions.SEND_FAULTS)
BAN_CODES = tuple(map(str, actions.BAN_CODES))
# By kind: what it may have, and what it must have.
_EVENT_TAKES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "reaction": (frozenset({"target", "emoji"}), frozenset({"target"})),
    "edit": (frozenset({"target", "text"}), frozenset({"target", "text"})),
    "revoke": (frozenset({"target"}), frozenset({"target"})),
    "image": (frozenset({"caption", "quoted"}), frozenset()),
}


def _phone(value: str) -> None:
    try:
        jids.from_phone(value)
    except jids.InvalidRecipient as error:
        raise serializers.ValidationError(str(error), code="invalid") from error


def _person(value: str) -> None:
    try:
        server = jids.parse_recipient(value).rpartition("@")[2]
    except jids.InvalidRecipient as error:
        raise serializers.ValidationError(str(error), code="invalid") from error
    if server not in {jids.PHONE_SERVER, jids.LID_SERVER}:
        raise serializers.ValidationError("Give a person, not a group or a channel.")


def _sender() -> serializers.CharField:
    return serializers.CharField(
        source="sender",
        max_length=100,
        validators=[_person],
        help_text="A phone number with its country code, or a JID.",
    )


class ScanInput(Plain):
    """How the phone scans."""

    phone = serializers.CharField(
        required=False,
        max_length=100,
        validators=[_phone],
        help_text="The account's number; one made from the session's id if absent.",
    )
    push_name = serializers.CharField(required=False, max_length=100)
    contacts = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=actions.CONTACTS_LIMIT,
        help_text="How many contacts the account has.",
    )


class InboundInput(Plain):
    """What somebody writes. The field `from` is a word of Python, hence the odd class."""

    text = serializers.CharField(max_length=actions.TEXT_LIMIT, trim_whitespace=False)
    count = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=actions.COUNT_LIMIT,
        help_text="How many such messages; their texts are numbered.",
    )
    push_name = serializers.CharField(required=False, max_length=100)

    def get_fields(self) -> dict[str, Any]:
        """Add `from`."""
        return {"from": _sender(), **super().get_fields()}


class EventInput(Plain):
    """What somebody does to a message. `from` is a word of Python, hence the odd class."""

    kind = serializers.ChoiceField(list(_EVENT_TAKES))
    target = serializers.CharField(
        required=False, max_length=64, help_text="The `wa_id` of the message; not for image."
    )
    emoji = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=32,
        help_text="For reaction; empty takes it back.",
    )
    text = serializers.CharField(
        required=False,
        max_length=actions.TEXT_LIMIT,
        trim_whitespace=False,
        help_text="For edit.",
    )
    caption = serializers.CharField(
        required=False, max_length=actions.TEXT_LIMIT, help_text="For image."
    )
    quoted = serializers.CharField(
        required=False, max_length=64, help_text="For image: the message that it answers."
    )

    def get_fields(self) -> dict[str, Any]:
        """Add `from`."""
        return {"from": _sender(), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what the kind has no use for, and ask for what it needs."""
        takes, needs = _EVENT_TAKES[attrs["kind"]]
        given = set(attrs) - {"kind", "sender"}
        if extra := sorted(given - takes):
            raise serializers.ValidationError(
                {extra[0]: f"{attrs['kind']} takes no such thing."}
            )
        if missing := sorted(needs - given):
            raise serializers.ValidationError({missing[0]: f"{attrs['kind']} needs it."})
        return attrs


class FaultInput(Plain):
    """What goes wrong."""

    kind = serializers.ChoiceField(
        FAULTS,
        help_text="`silent`: the connection does not answer and nobody is told. `passkey`: "
        "the next scan asks for a passkey. `send_…`: the next send meets it.",
    )
    seconds = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=actions.BAN_SECONDS_LIMIT,
        help_text="How long it lasts; for temp_ban, restricted and degraded.",
    )
    code = serializers.CharField(
        required=False,
        max_length=40,
        help_text=f"For temp_ban one of {', '.join(BAN_CODES)}; for connect_failed one of "
        f"{', '.join(FAILURES)}.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what the kind has no use for, and codes that it does not know."""
        kind = attrs["kind"]
        takes = actions.FAULT_ARGUMENTS.get(kind, frozenset())
        if extra := sorted(set(attrs) - {"kind"} - takes):
            raise serializers.ValidationError({extra[0]: f"{kind} does not take this."})
        known = FAILURES if kind == "connect_failed" else BAN_CODES
        if "code" in attrs and attrs["code"] not in known:
            raise serializers.ValidationError({"code": f"Give one of {', '.join(known)}."})
        if kind == "connect_failed" and "code" not in attrs:
            raise serializers.ValidationError({"code": "Say which failure."})
        if kind == "temp_ban" and "code" in attrs:
            attrs["code"] = int(attrs["code"])
        return attrs
