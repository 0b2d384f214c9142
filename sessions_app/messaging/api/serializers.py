"""Shapes of the message API. No queries."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sessions_app import jids
from sessions_app.messaging.services import payloads
from sessions_app.messaging.services.drafts import MAX_EMOJI_LENGTH, MAX_TEXT_LENGTH
from sessions_app.messaging.services.resolving import Choice
from sessions_app.messaging.services.sending import MAX_BATCH
from sessions_app.messaging.states import Direction, MessageKind, MessageStatus

Plain = serializers.Serializer[Any]
_MAX_ADDRESS = 100
_MAX_ID = 40


class AnyCaseChoiceField(serializers.ChoiceField):
    """A choice that may be written in small letters too."""

    def to_internal_value(self, data: Any) -> Any:
        """Compare in capitals."""
        return super().to_internal_value(data.upper() if isinstance(data, str) else data)


class DraftInput(Plain):
    """A text to send, or something to do to a message."""

    kind = serializers.ChoiceField(
        payloads.KINDS,
        required=False,
        help_text="`text` if it is left out. `reaction`, `edit` and `revoke` (delete for "
        "everybody) are done to the message that `message` names.",
    )
    to = serializers.CharField(
        required=False,
        max_length=_MAX_ADDRESS,
        help_text="Of a text: a phone number, or the JID of a person, group or channel. A "
        "number without country code is completed with the workspace's country. A reply goes "
        "to its message's chat.",
    )
    text = serializers.CharField(
        required=False,
        max_length=MAX_TEXT_LENGTH,
        trim_whitespace=False,
        help_text="What to write; of an edit, the new text.",
    )
    reply_to = serializers.CharField(
        required=False, max_length=_MAX_ID, help_text="Id of the message that a text answers."
    )
    message = serializers.CharField(
        required=False, max_length=_MAX_ID, help_text="Id of the message that it is done to."
    )
    emoji = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_EMOJI_LENGTH,
        help_text="Of a reaction; empty takes it back.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a draft that lacks something, or says what its kind does not know."""
        check_draft(attrs)
        return attrs


class SendInput(DraftInput):
    """One draft, or many."""

    messages = serializers.ListField(
        child=DraftInput(),
        required=False,
        allow_empty=False,
        max_length=MAX_BATCH,
        help_text=f"Up to {MAX_BATCH} drafts instead of one; all are accepted or none.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a body that is neither form, or both."""
        if "messages" not in attrs:
            return super().validate(attrs)
        if len(attrs) > 1:
            raise serializers.ValidationError("Give one message, or messages; not both.")
        return attrs


# By kind: what a draft must have, and what it may have besides.
_FIELDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    payloads.TEXT: (frozenset({"to", "text"}), frozenset({"reply_to"})),
    payloads.REACTION: (frozenset({"message", "emoji"}), frozenset()),
    payloads.EDIT: (frozenset({"message", "text"}), frozenset()),
    payloads.REVOKE: (frozenset({"message"}), frozenset()),
}


def check_draft(attrs: dict[str, Any]) -> None:
    """Refuse fields that a draft's kind lacks or does not know.

    :raises ValidationError: it names them.
    """
    kind = attrs.get("kind", payloads.TEXT)
    needed, allowed = _FIELDS[kind]
    if "reply_to" in attrs:
        needed, allowed = needed - {"to"}, allowed | {"to"}
    problems = {name: ["This field is required."] for name in sorted(needed - attrs.keys())}
    for name in sorted(attrs.keys() - needed - allowed - {"kind"}):
        problems[name] = [f"This field says nothing in a draft of kind {kind}."]
    if problems:
        raise serializers.ValidationError(problems)


class ResolveInput(Plain):
    """What became of a message of which nobody knows."""

    choice = serializers.ChoiceField(
        [choice.value for choice in Choice],
        help_text="`resend` sends it again, `sent` and `failed` say what you found out.",
    )


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
            return jids.parse_chat(value, self.context["country"])
        except jids.InvalidRecipient as error:
            raise serializers.ValidationError(str(error)) from error


class MediaOutput(Plain):
    """A file that came with a message."""

    mime_type = serializers.CharField(default="")
    size = serializers.IntegerField(default=0, help_text="Bytes; 0 when unknown.")
    file_name = serializers.CharField(default="")
    seconds = serializers.IntegerField(default=0, help_text="Of audio and video.")


class ReactionOutput(Plain):
    """What somebody thinks of a message."""

    sender = serializers.CharField(help_text="JID of who reacted.")
    emoji = serializers.CharField()
    at = serializers.DateTimeField()


class MessageOutput(Plain):
    """A message.

    `context["session"]` is its session and `context["reactions"]` has the reactions by
    primary key, so that a list needs no join.
    """

    id = serializers.CharField(source="public_id")
    session_id = serializers.SerializerMethodField()
    direction = serializers.ChoiceField(Direction.choices)
    type = serializers.ChoiceField(MessageKind.choices, source="kind")
    chat = serializers.CharField(help_text="JID of the other side: a person, group or channel.")
    sender = serializers.CharField(help_text="JID of who wrote it.")
    wa_id = serializers.CharField(
        help_text="WhatsApp's id of the message; may be empty until it is sent."
    )
    text = serializers.CharField(help_text="A file's caption; empty once it is deleted.")
    quoted_wa_id = serializers.CharField(help_text="WhatsApp's id of the message it answers.")
    media = MediaOutput(allow_null=True, help_text="The file that came with it.")
    undecryptable = serializers.BooleanField(
        help_text="It could not be read. It may come again, readable, under the same id."
    )
    reactions = serializers.SerializerMethodField()
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
    edited_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was deleted for everybody."
    )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Show the file as null where there is none."""
        shown = super().to_representation(instance)
        return shown | {"media": shown["media"] if instance.media else None}

    def get_session_id(self, _: object) -> str:
        """Return the session's id."""
        session_id: str = self.context["session"].public_id
        return session_id

    @extend_schema_field(ReactionOutput(many=True))
    def get_reactions(self, message: Any) -> Any:
        """Return who thinks what of it, as the view read it."""
        return ReactionOutput(self.context["reactions"].get(message.pk, []), many=True).data


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
    chat = serializers.CharField(
        help_text="The chat that was asked for, as the session knows it; empty for all."
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
