"""`/v1/sessions`: what customers' programs do with sessions."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import TenantAPIView
from orsta.core.api import pagination
from orsta.core.api.schema import IDEMPOTENCY
from sessions_app import selectors
from sessions_app.api import filters, serializers
from sessions_app.api.secrecy import PictureView
from sessions_app.models import Session
from sessions_app.services import lifecycle, provisioning

TAGS = ["Sessions"]
_CREATE_EXAMPLE = OpenApiExample(
    "A sandbox session",
    {
        "session_name": "marketing-1",
        "engine": "sandbox",
        "webhook_url": "https://example.com/hooks/orsta",
        "events": "Message,Connected,Disconnected,QR",
        "auto_connect": True,
        "auto_read_enabled": False,
        "typing_enabled": False,
        "history": 0,
        "expiration_sec": 0,
    },
    request_only=True,
)
_CHANGE_EXAMPLE = OpenApiExample(
    "Rename it and stop posting events",
    {"session_name": "marketing-eu", "webhook_url": ""},
    request_only=True,
)


class SessionView(TenantAPIView):
    """What the views of sessions share."""

    required_scope = {
        "GET": "sessions:read",
        "POST": "sessions:write",
        "PUT": "sessions:write",
        "DELETE": "sessions:write",
    }

    def session(self, session_id: str) -> Session:
        """Return the caller's session.

        :raises SessionNotFound: it is not there, another tenant's, or not in the key's list.
        """
        return selectors.session_for(self.principal, session_id)

    def render(self, sessions: Any, *, many: bool = False) -> Any:
        """Return sessions as JSON shows them."""
        context = {"tenant": self.tenant}
        return serializers.SessionOutput(sessions, many=many, context=context).data


class SessionList(SessionView):
    """The tenant's sessions."""

    @extend_schema(
        operation_id="sessions_list",
        tags=TAGS,
        summary="List sessions",
        description="Newest first, in pages.",
        parameters=[*filters.PARAMETERS, *pagination.PARAMETERS],
        responses=serializers.SessionPage,
    )
    def get(self, request: Request) -> Response:
        """Return a page of sessions."""
        sessions = filters.narrow(selectors.sessions_for(self.principal), request)
        page = pagination.paginate(sessions, request)
        rows = self.render(page.items, many=True)
        return Response({"sessions": rows, "next_cursor": page.next_cursor})

    @extend_schema(
        operation_id="sessions_create",
        tags=TAGS,
        summary="Create a session",
        description="It takes one place of the plan until it is deleted. Watch its status, or "
        "ask for its QR code, to link a device. A key that is limited to some sessions can't.",
        parameters=[IDEMPOTENCY],
        request=serializers.SessionCreateInput,
        responses={201: serializers.SessionEnvelope},
        examples=[_CREATE_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Create a session."""
        provisioning.check_may_create(self.principal)
        form = serializers.SessionCreateInput(data=request.data)
        form.is_valid(raise_exception=True)
        return self.once(request, lambda: self._create(form.validated_data))

    def _create(self, fields: dict[str, Any]) -> Response:
        session = provisioning.create_session(tenant=self.tenant, now=timezone.now(), **fields)
        return Response({"session": self.render(session)}, status.HTTP_201_CREATED)


class SessionDetail(SessionView):
    """One session."""

    @extend_schema(
        operation_id="sessions_retrieve",
        tags=TAGS,
        summary="Read a session",
        responses=serializers.SessionEnvelope,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return the session."""
        return Response({"session": self.render(self.session(session_id))})

    @extend_schema(
        operation_id="sessions_update",
        tags=TAGS,
        summary="Change a session",
        description="Only the fields that are sent change; the engine never does.",
        request=serializers.SessionChangeInput,
        responses=serializers.SessionEnvelope,
        examples=[_CHANGE_EXAMPLE],
    )
    def put(self, request: Request, session_id: str) -> Response:
        """Change what was sent."""
        session = self.session(session_id)
        form = serializers.SessionChangeInput(data=request.data)
        form.is_valid(raise_exception=True)
        session = provisioning.update_session(
            session=session, now=timezone.now(), **form.validated_data
        )
        return Response({"session": self.render(session)})

    @extend_schema(
        operation_id="sessions_delete",
        tags=TAGS,
        summary="Delete a session",
        description="Its device is unlinked and its place in the plan is free at once.",
        responses={200: serializers.SessionDeleted},
    )
    def delete(self, request: Request, session_id: str) -> Response:
        """Delete the session."""
        session = self.session(session_id)
        provisioning.delete_session(session=session, now=timezone.now())
        return Response({"ok": True, "id": session.public_id})


class SessionAction(SessionView):
    """Something to do with a session that the runner carries out."""

    def carry_out(
        self, request: Request, session_id: str, action: Callable[..., Session]
    ) -> Response:
        """Call the service once per `Idempotency-Key`; the outcome shows in the status."""
        session = self.session(session_id)

        def effect() -> Response:
            changed = action(session=session, now=timezone.now())
            return Response({"session": self.render(changed)}, status.HTTP_202_ACCEPTED)

        return self.once(request, effect)


class SessionStart(SessionAction):
    """Connect it."""

    @extend_schema(
        operation_id="sessions_start",
        tags=TAGS,
        summary="Start a session",
        description="Connects it; without a linked device a QR code follows.",
        parameters=[IDEMPOTENCY],
        request=None,
        responses={202: serializers.SessionEnvelope},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Want it connected."""
        return self.carry_out(request, session_id, lifecycle.start)


class SessionStop(SessionAction):
    """Disconnect it."""

    @extend_schema(
        operation_id="sessions_stop",
        tags=TAGS,
        summary="Stop a session",
        description="Disconnects it; the device stays linked: a start needs no new QR code.",
        parameters=[IDEMPOTENCY],
        request=None,
        responses={202: serializers.SessionEnvelope},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Want it disconnected."""
        return self.carry_out(request, session_id, lifecycle.stop)


class SessionReconnect(SessionAction):
    """Drop the connection and open it again."""

    @extend_schema(
        operation_id="sessions_reconnect",
        tags=TAGS,
        summary="Reconnect a session",
        description="Drops the connection and opens it again without a new QR code.",
        parameters=[IDEMPOTENCY],
        request=None,
        responses={202: serializers.SessionEnvelope},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Reconnect."""
        return self.carry_out(request, session_id, lifecycle.reconnect)


class SessionQr(PictureView, SessionView):
    """The code to scan now."""

    @extend_schema(
        operation_id="sessions_qr",
        tags=TAGS,
        summary="Read the QR code",
        description="The code changes while nobody scans it; ask again once it has expired. "
        "409 `qr_not_ready` while there is none.",
        parameters=[
            OpenApiParameter(
                "format",
                OpenApiTypes.STR,
                enum=["json", "png", "svg"],
                description="`Accept: image/png` and `image/svg+xml` do the same.",
            )
        ],
        responses={
            (200, "application/json"): serializers.ChallengeOutput,
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "image/svg+xml"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return the code."""
        now = timezone.now()
        challenge = selectors.challenge_of(self.session(session_id), now=now)
        return Response(serializers.ChallengeOutput(challenge, context={"now": now}).data)


class SessionTransitions(SessionView):
    """What happened to a session."""

    @extend_schema(
        operation_id="sessions_transitions",
        tags=TAGS,
        summary="List what happened to a session",
        description="Every change of its status, newest first, in pages.",
        parameters=[*filters.SPAN, *pagination.PARAMETERS],
        responses=serializers.TransitionPage,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return a page of the session's history."""
        session = self.session(session_id)
        steps_taken = filters.within(session.transitions.all(), request, column="at")
        page = pagination.paginate(steps_taken, request)
        steps = serializers.TransitionOutput(page.items, many=True).data
        return Response({"transitions": steps, "next_cursor": page.next_cursor})
