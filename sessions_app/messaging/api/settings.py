"""`/v1/sessions/{id}/settings`: what a session does by itself, and what it did so far.

Here and not with the sessions, because the figures are about messages.
"""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import TenantAPIView
from sessions_app.messaging import selectors
from sessions_app.messaging.api import serializers
from sessions_app.models import Session
from sessions_app.selectors import session_for
from sessions_app.services import provisioning

TAGS = ["Sessions"]
_EXAMPLE = OpenApiExample(
    "Read what comes in, show typing",
    {"auto_read_enabled": True, "typing_enabled": True},
    request_only=True,
)


class SessionSettings(TenantAPIView):
    """A session's settings."""

    required_scope = {"GET": "sessions:read", "PUT": "sessions:write"}

    @extend_schema(
        operation_id="sessions_settings_retrieve",
        tags=TAGS,
        summary="Read a session's settings",
        description="With how many messages were sent and failed, in total and by type.",
        responses=serializers.SettingsOutput,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return the settings and the figures."""
        return Response(_render(session_for(self.principal, session_id)))

    @extend_schema(
        operation_id="sessions_settings_update",
        tags=TAGS,
        summary="Change a session's settings",
        description="Only the fields that are sent change; the list of events never does.",
        request=serializers.SettingsInput,
        responses=serializers.SettingsChanged,
        examples=[_EXAMPLE],
    )
    def put(self, request: Request, session_id: str) -> Response:
        """Change what was sent."""
        session = session_for(self.principal, session_id)
        form = serializers.SettingsInput(data=request.data)
        form.is_valid(raise_exception=True)
        session = provisioning.update_session(
            session=session, now=timezone.now(), **form.validated_data
        )
        return Response({"message": "settings updated", **_render(session)})


def _render(session: Session) -> dict[str, Any]:
    context = {"counts": selectors.counts_of(session)}
    return dict(serializers.SettingsOutput(session, context=context).data)
