"""`/internal/users/{id}/sessions/{id}/messages`: send for a user."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orsta.core.api.schema import IDEMPOTENCY
from sessions_app.api.internal import UserSessionView, check_may_act
from sessions_app.messaging.api import serializers, views
from subscriptions.api.internal.base import SOURCE, TAGS


class UserMessages(UserSessionView):
    """What a user's session sends."""

    route_class = {"POST": "send"}

    @extend_schema(
        operation_id="internal_messages_create",
        tags=TAGS,
        summary="Send messages from a user's session",
        description="As `POST /v1/sessions/{id}/messages` does; they count against the user's "
        "messages.",
        parameters=[SOURCE, IDEMPOTENCY],
        request=serializers.SendInput,
        responses={202: serializers.AcceptedMessages},
    )
    def post(self, request: Request, user_id: str, session_id: str) -> Response:
        """Accept one message or many."""
        form = serializers.SendInput(data=request.data)
        form.is_valid(raise_exception=True)
        session = self.session(user_id, session_id)
        check_may_act(session.tenant)
        return self.once(request, lambda: views.accept(session, form.validated_data))
