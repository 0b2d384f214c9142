"""Shapes of the session API. No queries."""

import re
from typing import Any

from rest_framework import serializers

from sessions_app.models import DEFAULT_EVENTS, PairingChallenge, Session
from sessions_app.states import (
    LINKING,
    ChallengeKind,
    DesiredState,
    Hold,
    SessionStatus,
    advice_for,
)

PROVIDER = "orsta"
HELD = "ANY"  # asks a list for every session that is held
_MAX_INTEGER = 2**31 - 1  # the columns are PostgreSQL's integer
_EVENT = re.compile(r"[A-Za-z]{1,40}")
# A device is linked in every status but these, given that it has a JID.
_NOT_LINKED = LINKING | {SessionStatus.PAIRING_EXPIRED, SessionStatus.LOGGED_OUT}

Plain = serializers.Serializer[Any]


class SessionInput(Plain):
    """What a session is made of."""

    session_name = serializers.CharField(source="name", max_length=80)
    device_name = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=50,
        help_text="What the phone lists the session as, from its next pairing on. Empty: the "
        "service's own name.",
    )
    webhook_url = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Where events are posted: http or https, a public address. Empty: nowhere.",
    )
    events = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=300,
        help_text=f"Names separated by commas; {DEFAULT_EVENTS} if absent.",
    )
    expiration_sec = serializers.IntegerField(
        source="expiration_seconds",
        required=False,
        min_value=0,
        max_value=_MAX_INTEGER,
        help_text="Seconds from now after which the session is stopped; its device stays "
        "linked. Setting it again puts the end off; 0 means never.",
    )
    auto_connect = serializers.BooleanField(
        required=False, help_text="Start as soon as it is made; true if absent."
    )
    auto_read_enabled = serializers.BooleanField(
        required=False, help_text="Mark inbound messages as read; false if absent."
    )
    typing_enabled = serializers.BooleanField(
        required=False, help_text="Show “typing” before a send; false if absent."
    )
    history = serializers.IntegerField(
        source="history_limit",
        required=False,
        min_value=0,
        max_value=_MAX_INTEGER,
        help_text="Messages to keep per chat, the newest; 0 keeps all.",
    )

    def validate_events(self, value: str) -> str:
        """Return the names without spaces and repetitions."""
        names = [name.strip() for name in value.split(",") if name.strip()]
        for name in names:
            if not _EVENT.fullmatch(name):
                raise serializers.ValidationError(
                    "Give names of letters, separated by commas.", code="invalid"
                )
        return ",".join(dict.fromkeys(names))


class SessionCreateInput(SessionInput):
    """What a session is made of; the engine is chosen once."""

    engine = serializers.CharField(
        required=False,
        max_length=16,
        help_text="How WhatsApp is reached; your plan's engine if absent.",
    )
    proxy_country = serializers.RegexField(
        r"^[A-Za-z]{2}\Z",
        required=False,
        allow_blank=True,
        help_text="ISO 3166 code, e.g. DE: connect through a proxy that leads there, for good. "
        "The engine needs the capability `per_session_proxy`.",
    )


class SessionChangeInput(SessionInput):
    """What changes; absent fields stay as they are."""

    session_name = serializers.CharField(source="name", required=False, max_length=80)


class SessionOutput(Plain):
    """A session. `context["tenant"]` is its tenant, so that a list needs no join."""

    id = serializers.CharField(source="public_id")
    session_id = serializers.CharField(source="public_id", help_text="The same as `id`.")
    user_id = serializers.SerializerMethodField(help_text="The tenant's id.")
    provider = serializers.SerializerMethodField(help_text=f"Always `{PROVIDER}`.")
    session_name = serializers.CharField(source="name")
    engine = serializers.CharField()
    device_name = serializers.CharField(help_text="Empty: the service's own name.")
    webhook_url = serializers.CharField(help_text="Empty when events are posted nowhere.")
    events = serializers.CharField()
    expiration_sec = serializers.IntegerField(source="expiration_seconds")
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is stopped; null without an expiration."
    )
    auto_connect = serializers.BooleanField()
    auto_read_enabled = serializers.BooleanField()
    typing_enabled = serializers.BooleanField()
    history = serializers.IntegerField(source="history_limit")
    desired = serializers.ChoiceField(DesiredState.choices, help_text="What you asked for.")
    hold = serializers.ChoiceField(
        [("", "None"), *Hold.choices],
        help_text="Why it may not run although you want it to; empty when it may.",
    )
    status = serializers.ChoiceField(SessionStatus.choices, help_text="What is, as observed.")
    reason = serializers.CharField(help_text="Why the status is what it is; may be empty.")
    reason_code = serializers.CharField(
        help_text="The reason's stable name; empty when nothing went wrong."
    )
    advice = serializers.SerializerMethodField(help_text="What to do now, for a person.")
    status_changed_at = serializers.DateTimeField()
    retry_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When a ban or restriction ends, or the next attempt to connect is made.",
    )
    connected = serializers.BooleanField(
        source="is_connected", help_text="Whether messages go in and out right now."
    )
    logged_in = serializers.SerializerMethodField(help_text="Whether a device is linked.")
    jid = serializers.CharField(help_text="The linked account; empty before the first pairing.")
    push_name = serializers.CharField(help_text="The linked account's own name.")
    last_synced_at = serializers.DateTimeField(
        allow_null=True, help_text="When contacts were last fetched."
    )
    last_activity_at = serializers.DateTimeField(allow_null=True)
    last_message_sent = serializers.IntegerField(
        source="messages_sent", help_text="Messages sent so far."
    )
    last_message_fail = serializers.IntegerField(
        source="messages_failed", help_text="Messages that failed so far."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_user_id(self, session: Session) -> str:
        """Return the tenant's id, under the name that the first API gave it."""
        tenant_id: str = self.context["tenant"].public_id
        return tenant_id

    def get_provider(self, session: Session) -> str:
        """Return the constant that tells our sessions from other providers'."""
        return PROVIDER

    def get_advice(self, session: Session) -> str:
        """Return a sentence that says what to do in this status."""
        return advice_for(session.status, session.hold)

    def get_logged_in(self, session: Session) -> bool:
        """Say whether a device is linked, connected or not."""
        return session.jid != "" and session.status not in _NOT_LINKED


class SessionEnvelope(Plain):
    """One session."""

    session = SessionOutput()


class SessionPage(Plain):
    """A page of sessions, newest first."""

    sessions = SessionOutput(many=True)
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Give it as `cursor` for the next page; null on the last."
    )


class SessionDeleted(Plain):
    """The session is gone."""

    ok = serializers.BooleanField()
    id = serializers.CharField()


class ChallengeOutput(Plain):
    """The code to scan now."""

    kind = serializers.ChoiceField(ChallengeKind.choices, help_text="Always `QR` here.")
    qr = serializers.CharField(source="text", help_text="What the QR code says.")
    seq = serializers.IntegerField(help_text="1 for the first code of an attempt.")
    issued_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    valid_for_seconds = serializers.SerializerMethodField(
        help_text="How long it can still be scanned; ask again after that."
    )

    def get_valid_for_seconds(self, challenge: PairingChallenge) -> int:
        """Return the whole seconds left."""
        left = challenge.expires_at - self.context["now"]
        return max(0, int(left.total_seconds()))


class TransitionOutput(Plain):
    """One step of a session's history."""

    old = serializers.ChoiceField(SessionStatus.choices)
    new = serializers.ChoiceField(SessionStatus.choices)
    reason = serializers.CharField()
    reason_code = serializers.CharField(help_text="Empty when nothing went wrong.")
    at = serializers.DateTimeField()


class TransitionPage(Plain):
    """A page of a session's history, newest first."""

    transitions = TransitionOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)
