"""`/internal/users/{id}/sessions`: what a sibling service does with its users' sessions."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Tenant
from orsta.core.api import pagination
from orsta.core.api.schema import IDEMPOTENCY
from sessions_app import selectors
from sessions_app.api import filters, serializers
from sessions_app.api.secrecy import PictureView
from sessions_app.models import Session
from sessions_app.services import admission, lifecycle, provisioning
from sessions_app.states import HOLD_ADVICE, Hold
from subscriptions.api.internal.base import SOURCE, TAGS, UserView


def check_may_act(tenant: Tenant) -> None:
    """Let an active tenant's service act for it.

    :raises WorkspaceSuspended: it is suspended, or about to be deleted.
    """
    if not tenant.is_active:
        raise admission.WorkspaceSuspended(HOLD_ADVICE[Hold.SUSPENDED])


class UserSessionView(UserView):
    """What the views of a user's sessions share."""

    def session(self, user_id: str, session_id: str) -> Session:
        """Return a session of one user.

        :raises UserNotFound: there is no such user for this key.
        :raises SessionNotFound: the user has no such session.
        """
        tenant = self.tenant(user_id)
        session = selectors.session_of(tenant, session_id)
        session.tenant = tenant
        return session

    def render(self, sessions: Any, tenant: Tenant, *, many: bool = False) -> Any:
        """Return sessions as JSON shows them."""
        context = {"tenant": tenant}
        return serializers.SessionOutput(sessions, many=many, context=context).data


class UserSessionList(UserSessionView):
    """A user's sessions."""

    @extend_schema(
        operation_id="internal_sessions_list",
        tags=TAGS,
        summary="List a user's sessions",
        description="Newest first, in pages.",
        parameters=[SOURCE, *filters.PARAMETERS, *pagination.PARAMETERS],
        responses=serializers.SessionPage,
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return a page of sessions."""
        tenant = self.tenant(user_id)
        sessions = filters.narrow(selectors.sessions_of(tenant), request)
        page = pagination.paginate(sessions, request)
        rows = self.render(page.items, tenant, many=True)
        return Response({"sessions": rows, "next_cursor": page.next_cursor})

    @extend_schema(
        operation_id="internal_sessions_create",
        tags=TAGS,
        summary="Create a session for a user",
        description="As `POST /v1/sessions` does; it takes one of the user's places.",
        parameters=[SOURCE, IDEMPOTENCY],
        request=serializers.SessionCreateInput,
        responses={201: serializers.SessionEnvelope},
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Create a session."""
        form = serializers.SessionCreateInput(data=request.data)
        form.is_valid(raise_exception=True)
        tenant = self.tenant(user_id)
        check_may_act(tenant)

        def effect() -> Response:
            session = provisioning.create_session(
                tenant=tenant, now=timezone.now(), **form.validated_data
            )
            shown = {"session": self.render(session, tenant)}
            return Response(shown, status.HTTP_201_CREATED)

        return self.once(request, effect)


class UserSessionDetail(UserSessionView):
    """One session of a user."""

    @extend_schema(
        operation_id="internal_sessions_retrieve",
        tags=TAGS,
        summary="Read a user's session",
        parameters=[SOURCE],
        responses=serializers.SessionEnvelope,
    )
    def get(self, request: Request, user_id: str, session_id: str) -> Response:
        """Return the session and its status."""
        session = self.session(user_id, session_id)
        return Response({"session": self.render(session, session.tenant)})

    @extend_schema(
        operation_id="internal_sessions_delete",
        tags=TAGS,
        summary="Delete a user's session",
        description="Its device is unlinked and its place is free at once.",
        parameters=[SOURCE],
        responses={200: serializers.SessionDeleted},
    )
    def delete(self, request: Request, user_id: str, session_id: str) -> Response:
        """Delete the session."""
        session = self.session(user_id, session_id)
        provisioning.delete_session(session=session, now=timezone.now())
        return Response({"ok": True, "id": session.public_id})


class UserSessionAction(UserSessionView):
    """Something to do with a session that the runner carries out."""

    def carry_out(self, session: Session, action: Callable[..., Session]) -> Response:
        """Call the service once per `Idempotency-Key`; the outcome shows in the status."""

        def effect() -> Response:
            changed = action(session=session, now=timezone.now())
            shown = {"session": self.render(changed, session.tenant)}
            return Response(shown, status.HTTP_202_ACCEPTED)

        return self.once(self.request, effect)


class UserSessionStart(UserSessionAction):
    """Connect it."""

    @extend_schema(
        operation_id="internal_sessions_start",
        tags=TAGS,
        summary="Start a user's session",
        description="Connects it; without a linked device a QR code follows.",
        parameters=[SOURCE, IDEMPOTENCY],
        request=None,
        responses={202: serializers.SessionEnvelope},
    )
    def post(self, request: Request, user_id: str, session_id: str) -> Response:
        """Want it connected."""
        return self.carry_out(self.session(user_id, session_id), lifecycle.start)


class UserSessionStop(UserSessionAction):
    """Disconnect it."""

    @extend_schema(
        operation_id="internal_sessions_stop",
        tags=TAGS,
        summary="Stop a user's session",
        description="Disconnects it; the device stays linked.",
        parameters=[SOURCE, IDEMPOTENCY],
        request=None,
        responses={202: serializers.SessionEnvelope},
    )
    def post(self, request: Request, user_id: str, session_id: str) -> Response:
        """Want it disconnected."""
        return self.carry_out(self.session(user_id, session_id), lifecycle.stop)


class UserSessionQr(PictureView, UserSessionView):
    """The code to scan now."""

    @extend_schema(
        operation_id="internal_sessions_qr",
        tags=TAGS,
        summary="Read the QR code of a user's session",
        description="Whoever scans it links the device. 409 `qr_not_ready` if there is none.",
        parameters=[
            SOURCE,
            OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "png", "svg"]),
        ],
        responses={
            (200, "application/json"): serializers.ChallengeOutput,
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "image/svg+xml"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, user_id: str, session_id: str) -> Response:
        """Return the code."""
        now = timezone.now()
        challenge = selectors.challenge_of(self.session(user_id, session_id), now=now)
        return Response(serializers.ChallengeOutput(challenge, context={"now": now}).data)
