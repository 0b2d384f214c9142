"""`/v1/sandbox`: play the phone, its friends and trouble, to build without a real phone."""

from collections.abc import Callable

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from orsta.core.api.schema import IDEMPOTENCY
from sessions_app.api.sandbox_inputs import EventInput, FaultInput, InboundInput, ScanInput
from sessions_app.api.serializers import Plain
from sessions_app.api.v1 import SessionView
from sessions_app.models import Command
from sessions_app.services import simulation

TAGS = ["Sandbox"]


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
        description="A simulated phone scans the code that the session shows now, or types "
        "the code that it asked for.",
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


class SandboxEvent(SandboxView):
    """Somebody reacts, changes, deletes, or sends a picture."""

    @extend_schema(
        operation_id="sandbox_event",
        tags=TAGS,
        summary="Let something happen to a message",
        description="A simulated person reacts to a message, changes or deletes one, or sends "
        "a picture. The session has to be connected.",
        parameters=[IDEMPOTENCY],
        request=EventInput,
        responses={202: CommandEnvelope},
        examples=[
            OpenApiExample(
                "A reaction",
                {"kind": "reaction", "from": "+15550100123", "target": "WA1", "emoji": "👍"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Let it happen."""
        form = EventInput(data=request.data)
        return self.play(request, session_id, form, simulation.happen)


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
            OpenApiExample(
                "A refusal", {"kind": "connect_failed", "code": "405"}, request_only=True
            ),
            OpenApiExample(
                "A passkey at the next scan", {"kind": "passkey"}, request_only=True
            ),
        ],
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Break something."""
        return self.play(request, session_id, FaultInput(data=request.data), simulation.fault)
