"""`/v1/sandbox`: play the phone, its friends and trouble, to build without a real phone."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from orsta.core.api.schema import IDEMPOTENCY
from sessions_app import jids
from sessions_app.api.serializers import Plain
from sessions_app.api.v1 import SessionView
from sessions_app.models import Command
from sessions_app.services import simulation

TAGS = ["Sandbox"]
MAX_CONTACTS = 200_000
MAX_COUNT = 1_000
MAX_BAN_SECONDS = 366 * 24 * 3600
FAULTS = (
    "drop",
    "restart",
    "replaced",
    "logged_out",
    "temp_ban",
    "send_failed",
    "send_unknown",
    "send_retry",
)
BAN_CODES = (101, 102, 103, 104, 106)
_BAN_ONLY = frozenset({"seconds", "code"})


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
        max_value=MAX_CONTACTS,
        help_text="How many contacts the account has.",
    )


class InboundInput(Plain):
    """What somebody writes. The field `from` is a word of Python, hence the odd class."""

    text = serializers.CharField(max_length=65_536, trim_whitespace=False)
    count = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_COUNT,
        help_text="How many such messages; their texts are numbered.",
    )
    push_name = serializers.CharField(required=False, max_length=100)

    def get_fields(self) -> dict[str, Any]:
        """Add `from`."""
        sender = serializers.CharField(
            source="sender",
            max_length=100,
            validators=[_person],
            help_text="A phone number with its country code, or a JID.",
        )
        return {"from": sender, **super().get_fields()}


class FaultInput(Plain):
    """What goes wrong."""

    kind = serializers.ChoiceField(FAULTS)
    seconds = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_BAN_SECONDS, help_text="Only for temp_ban."
    )
    code = serializers.ChoiceField(BAN_CODES, required=False, help_text="Only for temp_ban.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what the kind has no use for."""
        if attrs["kind"] != "temp_ban" and (extra := sorted(_BAN_ONLY & set(attrs))):
            raise serializers.ValidationError({extra[0]: "Only temp_ban takes this."})
        return attrs


class CommandOutput(Plain):
    """What the runner was told."""

    action = serializers.SerializerMethodField()
    state = serializers.CharField()
    created_at = serializers.DateTimeField()

    def get_action(self, command: Command) -> str:
        """Return the action's name."""
        action: str = command.payload["action"]
        return action


class CommandEnvelope(Plain):
    """The runner will play it; watch the session's events for what comes of it."""

    ok = serializers.BooleanField()
    command = CommandOutput()


class SandboxView(SessionView):
    """Plays one action of the other side."""

    def play(
        self, request: Request, session_id: str, form: Plain, action: Callable[..., Command]
    ) -> Response:
        """Queue the action once per `Idempotency-Key`."""
        session = self.session(session_id)
        form.is_valid(raise_exception=True)

        def effect() -> Response:
            command = action(session=session, now=timezone.now(), **form.validated_data)
            body = {"ok": True, "command": CommandOutput(command).data}
            return Response(body, status.HTTP_202_ACCEPTED)

        return self.once(request, effect)


class SandboxScan(SandboxView):
    """The phone scans."""

    @extend_schema(
        operation_id="sandbox_scan",
        tags=TAGS,
        summary="Scan the QR code",
        description="A simulated phone scans the code that the session shows now.",
        parameters=[IDEMPOTENCY],
        request=ScanInput,
        responses={202: CommandEnvelope},
        examples=[OpenApiExample("With contacts", {"contacts": 50}, request_only=True)],
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Scan."""
        return self.play(request, session_id, ScanInput(data=request.data), simulation.scan)


class SandboxInbound(SandboxView):
    """Somebody writes."""

    @extend_schema(
        operation_id="sandbox_inbound",
        tags=TAGS,
        summary="Receive a message",
        description="A simulated person writes to the session.",
        parameters=[IDEMPOTENCY],
        request=InboundInput,
        responses={202: CommandEnvelope},
        examples=[
            OpenApiExample(
                "One message", {"from": "+1 555 010 0123", "text": "Hello"}, request_only=True
            )
        ],
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Write to the session."""
        form = InboundInput(data=request.data)
        return self.play(request, session_id, form, simulation.inbound)


class SandboxFault(SandboxView):
    """Something goes wrong."""

    @extend_schema(
        operation_id="sandbox_fault",
        tags=TAGS,
        summary="Make trouble",
        description="Breaks the simulated connection, or the next send.",
        parameters=[IDEMPOTENCY],
        request=FaultInput,
        responses={202: CommandEnvelope},
        examples=[
            OpenApiExample("A broken connection", {"kind": "drop"}, request_only=True),
            OpenApiExample(
                "A ban of one minute", {"kind": "temp_ban", "seconds": 60}, request_only=True
            ),
        ],
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Break something."""
        return self.play(request, session_id, FaultInput(data=request.data), simulation.fault)
