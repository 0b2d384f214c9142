"""Shapes of the message API. No queries."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sessions_app import jids
from sessions_app.messaging.services.sending import MAX_BATCH, MAX_TEXT_LENGTH
from sessions_app.messaging.states import Direction, MessageKind, MessageStatus

Plain = serializers.Serializer[Any]
_MAX_ADDRESS = 100


class AnyCaseChoiceField(serializers.ChoiceField):
    """A choice that may be written in small letters too."""

    def to_internal_value(self, data: Any) -> Any:
        """Compare in capitals."""
        return super().to_internal_value(data.upper() if isinstance(data, str) else data)


class DraftInput(Plain):
    """A text to send."""

    to = serializers.CharField(
        max_length=_MAX_ADDRESS,
        help_text="A phone number with country code, or the JID of a person, group or channel.",
    )
    text = serializers.CharField(
        max_length=MAX_TEXT_LENGTH, trim_whitespace=False, help_text="What to write."
    )


class SendInput(Plain):
    """One text to send, or many."""

    to = serializers.CharField(
        required=False, max_length=_MAX_ADDRESS, help_text="As in `messages`; with `text`."
    )
    text = serializers.CharField(
        required=False, max_length=MAX_TEXT_LENGTH, trim_whitespace=False
    )
    messages = serializers.ListField(
        child=DraftInput(),
        required=False,
        allow_empty=False,
        max_length=MAX_BATCH,
        help_text=f"Up to {MAX_BATCH} texts instead of one; all are accepted or none.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a body that is neither form, or both."""
        single = [name for name in ("to", "text") if name in attrs]
        if "messages" in attrs and single:
            raise serializers.ValidationError("Give to and text, or messages; not both.")
        if "messages" not in attrs and len(single) < 2:
            missing = sorted({"to", "text"}.difference(single))
            raise serializers.ValidationError(
                {name: ["This field is required."] for name in missing}
            )
        return attrs


class MessageFilter(Plain):
    """What narrows the list."""

    chat = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=_MAX_ADDRESS,
        help_text="The other side: a JID or a phone number with its country code.",
    )
    direction = AnyCaseChoiceField(Direction.choices, default="", allow_blank=True)
    status = AnyCaseChoiceField(MessageStatus.choices, default="", allow_blank=True)

    since = serializers.DateTimeField(
        default=None, help_text="Only messages from this moment on."
    )
    until = serializers.DateTimeField(
        default=None, help_text="Only messages before this moment."
    )

    def validate_chat(self, value: str) -> str:
        """Return the chat's normalized JID."""
        if not value:
            return value
        try:
            return jids.normalize(value) if "@" in value else jids.from_phone(value)
        except jids.InvalidRecipient as error:
            raise serializers.ValidationError(str(error)) from error


class MessageOutput(Plain):
    """A message. `context["session"]` is its session, so that a list needs no join."""

    id = serializers.CharField(source="public_id")
    session_id = serializers.SerializerMethodField()
    direction = serializers.ChoiceField(Direction.choices)
    type = serializers.ChoiceField(MessageKind.choices, source="kind")
    chat = serializers.CharField(help_text="JID of the other side: a person, group or channel.")
    sender = serializers.CharField(help_text="JID of who wrote it.")
    wa_id = serializers.CharField(
        help_text="WhatsApp's id of the message; may be empty until it is sent."
    )
    text = serializers.CharField()
    status = serializers.ChoiceField(
        MessageStatus.choices,
        help_text="QUEUED, SENT, DELIVERED, READ in this order, some may be skipped; FAILED; "
        "UNKNOWN when a crash left open whether it went out; RECEIVED for inbound messages.",
    )
    error = serializers.CharField(help_text="Why it failed; empty unless it did.")
    created_at = serializers.DateTimeField(help_text="When we accepted or received it.")
    sent_at = serializers.DateTimeField(
        allow_null=True, help_text="When WhatsApp took it; for inbound messages, when written."
    )
    delivered_at = serializers.DateTimeField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)

    def get_session_id(self, _: object) -> str:
        """Return the session's id."""
        session_id: str = self.context["session"].public_id
        return session_id


class MessageEnvelope(Plain):
    """One message."""

    message = MessageOutput()


class AcceptedMessages(Plain):
    """What was accepted: `message` for the single form, `messages` for the other."""

    message = MessageOutput(required=False)
    messages = MessageOutput(many=True, required=False)


class MessagePage(Plain):
    """A page of messages, newest first."""

    messages = MessageOutput(many=True)
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Give it as `cursor` for the next page; null on the last."
    )


class KindCountOutput(Plain):
    """How many messages of one kind a session sent, and how many failed, so far."""

    type = serializers.ChoiceField(MessageKind.choices, source="kind")
    total_sent = serializers.IntegerField(source="sent")
    total_failed = serializers.IntegerField(source="failed")
    last_success_at = serializers.DateTimeField(source="last_sent_at", allow_null=True)
    last_failed_at = serializers.DateTimeField(allow_null=True)


class SettingsInput(Plain):
    """What changes; absent fields stay as they are."""

    webhook_url = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Where events are posted: http or https, a public address. Empty: nowhere.",
    )
    auto_read_enabled = serializers.BooleanField(
        required=False, help_text="Mark inbound messages as read."
    )
    typing_enabled = serializers.BooleanField(
        required=False, help_text="Show “typing” before a send."
    )


class SettingsOutput(Plain):
    """A session's settings, and what became of its messages."""

    session_id = serializers.CharField(source="public_id")
    webhook_url = serializers.CharField(help_text="Empty when events are posted nowhere.")
    auto_read_enabled = serializers.BooleanField()
    typing_enabled = serializers.BooleanField()
    message_stat_sent = serializers.IntegerField(
        source="messages_sent", help_text="Messages sent so far."
    )
    message_stat_failed = serializers.IntegerField(
        source="messages_failed", help_text="Messages that failed so far."
    )
    message_stats = serializers.SerializerMethodField(help_text="The same by type of message.")

    @extend_schema_field(KindCountOutput(many=True))
    def get_message_stats(self, _: object) -> Any:
        """Return the counts that the view read."""
        return KindCountOutput(self.context["counts"], many=True).data


class SettingsChanged(SettingsOutput):
    """The settings as they are now."""

    message = serializers.CharField(help_text="Always `settings updated`.")
