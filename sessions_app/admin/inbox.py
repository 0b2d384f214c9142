"""What gateways posted and nobody has read yet, and what nobody could."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from unfold.decorators import action, display

from accounts.admin.staff import actor_of
from orsta.core.admin import ReadOnlyAdmin, column
from orsta.core.admin_dialogs import ReasonForm, dialog
from sessions_app.models import InboxEntry
from sessions_app.models.inbox import MAX_ATTEMPTS
from sessions_app.services import inbox

STAGE_COLORS = {"Waits": "info", "Read": "success", "Given up": "danger"}


class StageFilter(admin.SimpleListFilter):
    """How far an entry is."""

    title = "stage"
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the stages."""
        return [("waits", "Waits"), ("read", "Read"), ("poison", "Given up")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[InboxEntry]
    ) -> QuerySet[InboxEntry]:
        """Return the entries of the chosen stage."""
        match self.value():
            case "waits":
                return queryset.filter(done_at=None, attempts__lt=MAX_ATTEMPTS)
            case "read":
                return queryset.filter(done_at__isnull=False)
            case "poison":
                return queryset.filter(done_at=None, attempts__gte=MAX_ATTEMPTS)
            case _:
                return queryset


@admin.register(InboxEntry)
class InboxEntryAdmin(ReadOnlyAdmin):
    """Webhooks of gateways. What they say is left out: codes to scan are among it."""

    list_display = ["id", "session_name", "stage", "attempts", "error", "received_at"]
    list_filter = [StageFilter, "received_at"]
    list_select_related = ["session"]
    search_fields = ["session__public_id", "error"]
    ordering = ["-pk"]
    fields = ["session", "stage", "attempts", "error", "received_at", "done_at", "dedupe_key"]
    readonly_fields = fields
    session_name = column("session.name", "Session")
    actions_detail = ["replay"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboxEntry]:
        """Leave the payloads in the database: each has up to 2 MB, and none is shown."""
        rows: QuerySet[InboxEntry] = super().get_queryset(request)
        return rows.defer("payload")

    @display(description="Stage", label=STAGE_COLORS)
    def stage(self, entry: InboxEntry) -> str:
        if entry.done_at is not None:
            return "Read"
        return "Given up" if entry.attempts >= MAX_ATTEMPTS else "Waits"

    @action(
        description="Replay",
        permissions=["operate"],
        dialog=dialog(
            "Have this webhook read again?",
            "The runner that holds the session reads it once more.",
            "Replay",
            ReasonForm,
        ),
    )
    def replay(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Put a poison entry back."""
        entry = get_object_or_404(InboxEntry.objects.defer("payload"), pk=object_id)
        given = {"actor": actor_of(request).public_id, "reason": form.cleaned_data["reason"]}
        return self.run_service(
            request,
            object_id,
            lambda: inbox.replay(entry=entry, now=timezone.now(), **given),
            done="It is read again.",
        )
