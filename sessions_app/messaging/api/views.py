"""`/v1/sessions/{id}/messages`: send, list and follow messages."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import TenantAPIView
from orsta.core.api import pagination
from orsta.core.api.schema import IDEMPOTENCY
from sessions_app.messaging import selectors
from sessions_app.messaging.api import serializers
from sessions_app.messaging.services import sending
from sessions_app.models import Session
from sessions_app.selectors import session_for

TAGS = ["Messages"]
_ONE = OpenApiExample("One", {"to": "+1 555 010 0123", "text": "Hello"}, request_only=True)
_MANY = OpenApiExample(
    "Many",
    {
        "messages": [
            {"to": "+1 555 010 0123", "text": "Hello"},
            {"to": "120363025246125486@g.us", "text": "Hello, group"},
        ]
    },
    request_only=True,
)


class MessageList(TenantAPIView):
    """A session's messages."""

    required_scope = {"GET": "messages:read", "POST": "messages:write"}
    route_class = {"POST": "send"}

    @extend_schema(
        operation_id="messages_list",
        tags=TAGS,
        summary="List messages",
        description="Newest first, in pages; inbound and outbound.",
        parameters=[serializers.MessageFilter, *pagination.PARAMETERS],
        responses=serializers.MessagePage,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Return a page of messages."""
        form = serializers.MessageFilter(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        session = session_for(self.principal, session_id)
        messages = selectors.messages_of(session, **form.validated_data)
        page = pagination.paginate(messages, request)
        rows = _render(page.items, session=session, many=True)
        return Response({"messages": rows, "next_cursor": page.next_cursor})

    @extend_schema(
        operation_id="messages_create",
        tags=TAGS,
        summary="Send messages",
        description="Accepts texts at once; they are sent in this order as soon as the session "
        "is connected. Follow them by their ids, or by `message.*` events.",
        parameters=[IDEMPOTENCY],
        request=serializers.SendInput,
        responses={202: serializers.AcceptedMessages},
        examples=[_ONE, _MANY],
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Accept one message or many."""
        form = serializers.SendInput(data=request.data)
        form.is_valid(raise_exception=True)
        session = session_for(self.principal, session_id)
        return self.once(request, lambda: accept(session, form.validated_data))


class MessageDetail(TenantAPIView):
    """One message."""

    required_scope = {"GET": "messages:read"}

    @extend_schema(
        operation_id="messages_retrieve",
        tags=TAGS,
        summary="Read a message",
        responses=serializers.MessageEnvelope,
    )
    def get(self, request: Request, session_id: str, message_id: str) -> Response:
        """Return how far the message is."""
        session = session_for(self.principal, session_id)
        message = selectors.message_of(session, message_id)
        return Response({"message": _render(message, session=session)})


def accept(session: Session, body: dict[str, Any]) -> Response:
    """Accept what a valid `SendInput` asks for; for every view that sends."""
    drafts = [sending.Draft(**draft) for draft in body.get("messages", [body])]
    accepted = sending.accept_messages(session=session, drafts=drafts, now=timezone.now())
    rows = _render(accepted, session=session, many=True)
    answer = {"messages": rows} if "messages" in body else {"message": rows[0]}
    return Response(answer, status.HTTP_202_ACCEPTED)


def _render(messages: Any, *, session: Session, many: bool = False) -> Any:
    context = {"session": session}
    return serializers.MessageOutput(messages, many=many, context=context).data
