"""Messages in the backoffice: staff look, search and filter."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from orsta.core.admin import ReadOnlyAdmin, column
from orsta.core.admin_dialogs import ReasonForm, dialog
from sessions_app.messaging.models import Message, Reaction
from sessions_app.messaging.services import resolving
from sessions_app.messaging.states import Direction, MessageStatus

if TYPE_CHECKING:
    from accounts.models import User

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


class ResolveForm(ReasonForm):
    """What became of a message, as somebody found out."""

    choice = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget,
        choices=[
            (resolving.Choice.SENT, "It went out"),
            (resolving.Choice.FAILED, "It did not go out"),
            (resolving.Choice.RESEND, "Send it again; it may arrive twice"),
        ],
    )
    field_order = ["choice", "reason"]


class ReactionInline(TabularInline):
    """Who thinks what of a message."""

    model = Reaction
    fields = ["sender", "emoji", "at"]
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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
    list_filter = ["status", "direction", "kind", "created_at"]
    exclude = ["media_reference"]
    inlines = [ReactionInline]
    list_select_related = ["session"]
    search_fields = ["public_id", "wa_id", "chat", "session__public_id"]
    search_help_text = "A message's id, a session's id, WhatsApp's id, or a chat's JID, in full"
    session_name = column("session.name", "Session")
    ordering = ["-pk"]

    actions_detail = ["resolve"]

    @action(
        description="Settle",
        permissions=["operate"],
        dialog=dialog(
            "What became of this message?",
            "For a message whose outcome is unknown: look at the phone first.",
            "Settle",
            ResolveForm,
        ),
    )
    def resolve(self, request: HttpRequest, form: ResolveForm, object_id: str) -> HttpResponse:
        """Settle a message of which nobody knows whether it went out."""
        message = Message.objects.select_related("session__tenant").get(pk=object_id)
        given = form.cleaned_data
        return self.run_service(
            request,
            object_id,
            lambda: resolving.resolve(
                session=message.session,
                message_id=message.public_id,
                choice=resolving.Choice(given["choice"]),
                actor=cast("User", request.user).public_id,
                now=timezone.now(),
                reason=given["reason"],
            ),
            done="The message is settled.",
        )

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
