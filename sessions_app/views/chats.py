"""The chats of a session, for the console's list."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import TenantAPIView
from sessions_app import selectors
from sessions_app.contacts import selectors as contacts
from sessions_app.messaging import selectors as messaging
from sessions_app.messaging.models import Message

CHATS = 50  # per page of the list
MAX_CHATS = 1_000
PREVIEW = 120  # characters of a chat's last message


class Chats(TenantAPIView):
    """The chats of a session, for the console's list; not part of the public API."""

    required_scope = {"GET": "messages:read"}

    @extend_schema(exclude=True)
    def get(self, request: Request, session_id: str) -> Response:
        """Return the liveliest chats; `more` says whether a larger `limit` shows others."""
        session = selectors.session_for(self.principal, session_id)
        limit = _limit(request.query_params.get("limit", ""))
        newest = messaging.chats_of(session, limit=limit + 1)
        names = contacts.names_of(session, [message.chat for message in newest])
        chats = [_chat(message, names) for message in newest[:limit]]
        return Response({"chats": chats, "more": len(newest) > limit and limit < MAX_CHATS})


def _limit(text: str) -> int:
    return min(max(int(text), 1), MAX_CHATS) if text.isascii() and text.isdigit() else CHATS


def _chat(message: Message, names: dict[str, str]) -> dict[str, Any]:
    return {
        "jid": message.chat,
        "name": names.get(message.chat, ""),
        "last": {
            "id": message.public_id,
            "direction": message.direction,
            "text": message.text[:PREVIEW],
            "created_at": message.created_at,
        },
    }
