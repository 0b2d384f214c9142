"""`/v1/sessions/{id}/messages`: send, list and follow messages."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import TenantAPIView
from orsta.core.api import pagination
from orsta.core.api.schema import IDEMPOTENCY
from sessions_app.contacts import selectors as contacts
from sessions_app.messaging import selectors
from sessions_app.messaging.api import serializers
from sessions_app.messaging.models import Message
from sessions_app.messaging.services import resolving, sending
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
_OTHERS = [
    OpenApiExample("Reply", {"reply_to": "msg_01…", "text": "Yes"}, request_only=True),
    OpenApiExample(
        "Reaction",
        {"kind": "reaction", "message": "msg_01…", "emoji": "👍"},
        request_only=True,
    ),
    OpenApiExample(
        "Edit", {"kind": "edit", "message": "msg_01…", "text": "Hello!"}, request_only=True
    ),
    OpenApiExample("Revoke", {"kind": "revoke", "message": "msg_01…"}, request_only=True),
]


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
        context = {"country": self.tenant.default_country}
        form = serializers.MessageFilter(data=request.query_params.dict(), context=context)
        form.is_valid(raise_exception=True)
        session = session_for(self.principal, session_id)
        wanted = form.validated_data
        chat = contacts.person_behind(session, wanted["chat"])
        messages = selectors.messages_of(session, **wanted | {"chat": chat})
        page = pagination.paginate(messages, request)
        rows = _render(page.items, session=session)
        return Response({"messages": rows, "next_cursor": page.next_cursor, "chat": chat})

    @extend_schema(
        operation_id="messages_create",
        tags=TAGS,
        summary="Send messages",
        description="Accepts texts at once; they are sent in this order as soon as the session "
        "is connected. Follow them by their ids, or by `message.*` events. A draft may also "
        "react to a message, edit one of the last 15 minutes or delete one for everybody; the "
        "answer then has that message, which changes when WhatsApp took it.",
        parameters=[IDEMPOTENCY],
        request=serializers.SendInput,
        responses={202: serializers.AcceptedMessages},
        examples=[_ONE, _MANY, *_OTHERS],
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
        return Response({"message": _render([message], session=session)[0]})


class MessageResolution(TenantAPIView):
    """The end of a message of which nobody knows whether it went out."""

    required_scope = {"POST": "messages:write"}

    @extend_schema(
        operation_id="messages_resolve",
        tags=TAGS,
        summary="Settle a message whose outcome is unknown",
        description="For messages with the status UNKNOWN: look at the phone, then say what "
        "happened, or have it sent again.",
        parameters=[IDEMPOTENCY],
        request=serializers.ResolveInput,
        responses=serializers.MessageEnvelope,
    )
    def post(self, request: Request, session_id: str, message_id: str) -> Response:
        """Settle it."""
        form = serializers.ResolveInput(data=request.data)
        form.is_valid(raise_exception=True)
        session = session_for(self.principal, session_id)
        choice = resolving.Choice(form.validated_data["choice"])
        return self.once(request, lambda: self._resolve(session, message_id, choice))

    def _resolve(self, session: Session, message_id: str, choice: resolving.Choice) -> Response:
        message = resolving.resolve(
            session=session,
            message_id=message_id,
            choice=choice,
            actor=self.principal.actor,
            now=timezone.now(),
        )
        return Response({"message": _render([message], session=session)[0]})


def accept(session: Session, body: dict[str, Any]) -> Response:
    """Accept what a valid `SendInput` asks for; for every view that sends."""
    drafts = [sending.Draft(**draft) for draft in body.get("messages", [body])]
    accepted = sending.accept_messages(session=session, drafts=drafts, now=timezone.now())
    pairs = zip(drafts, accepted, strict=True)
    earlier = [message for draft, message in pairs if draft.message]
    rows = _render(accepted, session=session, earlier=earlier)
    answer = {"messages": rows} if "messages" in body else {"message": rows[0]}
    return Response(answer, status.HTTP_202_ACCEPTED)


def _render(
    messages: Sequence[Message],
    *,
    session: Session,
    earlier: Sequence[Message] | None = None,
) -> Any:
    """Show messages; nobody can have reacted to those that are not `earlier` ones."""
    reactions = selectors.reactions_to(messages if earlier is None else earlier)
    context = {"session": session, "reactions": reactions}
    return serializers.MessageOutput(messages, many=True, context=context).data
