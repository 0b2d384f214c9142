"""`/v1`: what engines can do, and questions to WhatsApp through a session."""

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import TenantAPIView
from orsta.core.api.schema import IDEMPOTENCY
from sessions_app import selectors
from sessions_app.api import challenges, waiting
from sessions_app.api.v1 import TAGS, SessionView
from sessions_app.engines import registry
from sessions_app.models import Command
from sessions_app.services import lookups


class Engines(TenantAPIView):
    """The ways to reach WhatsApp."""

    required_scope = {"GET": "sessions:read"}

    @extend_schema(
        operation_id="engines_list",
        tags=TAGS,
        summary="List engines",
        description="What this deployment offers, and what each engine can do. Whatever "
        "else is asked of a session is refused: 409 `capability_missing` with `capability`.",
        responses=challenges.EngineList,
    )
    def get(self, request: Request) -> Response:
        """Return the engines."""
        default = settings.ORSTA_DEFAULT_ENGINE
        rows = [
            challenges.engine_row(kind, registry.engine(kind).capabilities, default)
            for kind in registry.kinds()
        ]
        return Response({"engines": rows})


class CheckNumbers(SessionView):
    """Which numbers have WhatsApp."""

    @extend_schema(
        operation_id="sessions_check_numbers",
        tags=TAGS,
        summary="Check phone numbers",
        description="Ask before writing to somebody for the first time: WhatsApp restricts "
        "accounts that write to numbers without it. Answers with a command: DONE with "
        "`result.numbers` if WhatsApp answers within seconds (200), else 202; then ask after "
        "it below `/commands/`.",
        parameters=[IDEMPOTENCY],
        request=challenges.NumbersInput,
        responses={200: challenges.OrderEnvelope, 202: challenges.OrderEnvelope},
        examples=[
            OpenApiExample("Two numbers", {"numbers": ["+15550100123", "+15550100124"]},
                           request_only=True),
        ],
    )  # fmt: skip
    def post(self, request: Request, session_id: str) -> Response:
        """Look the numbers up."""
        session = self.session(session_id)
        form = challenges.NumbersInput(data=request.data, context={"tenant": self.tenant})
        form.is_valid(raise_exception=True)
        phones = form.validated_data["numbers"]

        def effect() -> Response:
            command = lookups.check_numbers(session=session, phones=phones, now=timezone.now())
            return _told(command)

        answer = self.once(request, effect)
        command_id = answer.data["command"]["id"]

        def look() -> Response | None:
            command = selectors.asked_of(session, command_id)
            return _told(command) if challenges.is_over(command) else None

        return waiting.wait_for(look, seconds=settings.ORSTA_COMMAND_WAIT_SECONDS) or answer


class CommandDetail(SessionView):
    """How far something is that the runner was told to do."""

    @extend_schema(
        operation_id="commands_retrieve",
        tags=TAGS,
        summary="Ask after a command",
        responses=challenges.OrderEnvelope,
    )
    def get(self, request: Request, session_id: str, command_id: str) -> Response:
        """Return the command."""
        command = selectors.asked_of(self.session(session_id), command_id)
        return Response({"command": challenges.OrderOutput(command).data})


def _told(command: Command) -> Response:
    body = {"command": challenges.OrderOutput(command).data}
    over = challenges.is_over(command)
    return Response(body, status.HTTP_200_OK if over else status.HTTP_202_ACCEPTED)
