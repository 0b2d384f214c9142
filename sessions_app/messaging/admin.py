"""Messages in the backoffice: staff look, search and filter."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from orsta.core.admin import ReadOnlyAdmin, column
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import Direction, MessageStatus

STATUS_COLORS = {
    MessageStatus.QUEUED.label: "warning",
    MessageStatus.SENT.label: "info",
    MessageStatus.DELIVERED.label: "info",
    MessageStatus.READ.label: "success",
    MessageStatus.FAILED.label: "danger",
    MessageStatus.UNKNOWN.label: "danger",
    MessageStatus.RECEIVED.label: "primary",
}
DIRECTION_COLORS = {Direction.INBOUND.label: "primary", Direction.OUTBOUND.label: "info"}


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """Every message of every session, newest first. Texts show on a message's own page only."""

    list_display = [
        "public_id",
        "session_name",
        "direction_label",
        "chat",
        "state",
        "created_at",
        "sent_at",
        "read_at",
    ]
    list_filter = ["status", "direction", "created_at"]
    list_select_related = ["session"]
    search_fields = ["public_id", "wa_id", "chat", "session__public_id"]
    search_help_text = "A message's id, a session's id, WhatsApp's id, or a chat's JID, in full"
    session_name = column("session.name", "Session")
    ordering = ["-pk"]

    @display(description="Direction", ordering="direction", label=DIRECTION_COLORS)
    def direction_label(self, message: Message) -> str:
        return message.get_direction_display()

    @display(description="Status", ordering="status", label=STATUS_COLORS)
    def state(self, message: Message) -> str:
        return message.get_status_display()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search one column, by the look of the term: millions of rows allow no more."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(**{_column(term): term}), False


def _column(term: str) -> str:
    if term.startswith("msg_"):
        return "public_id"
    if term.startswith("ses_"):
        return "session__public_id"
    return "chat" if "@" in term else "wa_id"
