"""What there is to do, and who holds which session."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin.staff import actor_of
from orsta.core.admin import ReadOnlyAdmin, column
from orsta.core.admin_dialogs import ReasonForm, dialog
from sessions_app.models import Command, Lease
from sessions_app.services import commands
from sessions_app.states import CommandState

COMMAND_COLORS = {
    CommandState.QUEUED.label: "info",
    CommandState.DONE.label: "success",
    CommandState.FAILED.label: "danger",
    CommandState.RUNNING.label: "info",
    CommandState.UNKNOWN.label: "warning",
    CommandState.EXPIRED.label: "default",
}

# What somebody wrote, and what links a device.
_HIDDEN = frozenset({"text", "caption", "target", "quoted", "response", "code"})


class SettleForm(ReasonForm):
    """What to do about a command of which nobody knows whether it was done."""

    verdict = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget,
        choices=[
            (commands.Verdict.FAILED, "Call it failed"),
            (commands.Verdict.AGAIN, "Run it again; it may happen twice"),
        ],
    )
    field_order = ["verdict", "reason"]


@admin.register(Command)
class CommandAdmin(ReadOnlyAdmin):
    """What runners have to do and did. Texts are left out."""

    list_display = [
        "id",
        "session_name",
        "kind",
        "progress",
        "attempts",
        "created_at",
        "finished_at",
    ]
    list_filter = ["state", "kind", "created_at"]
    list_select_related = ["session"]
    search_fields = ["session__public_id", "error"]
    ordering = ["-pk"]
    exclude = ["payload", "result"]
    session_name = column("session.name", "Session")
    readonly_fields = ["order"]
    actions_detail = ["settle"]

    @action(
        description="Settle",
        permissions=["operate"],
        dialog=dialog(
            "What is to become of this command?",
            "For a command whose outcome is unknown. A message is settled on its own page.",
            "Settle",
            SettleForm,
        ),
    )
    def settle(self, request: HttpRequest, form: SettleForm, object_id: str) -> HttpResponse:
        """Settle a command of which nobody knows whether it was done."""
        rows = Command.objects.select_related("session", "tenant")
        command = get_object_or_404(rows, pk=object_id)
        given = form.cleaned_data
        return self.run_service(
            request,
            object_id,
            lambda: commands.settle(
                command=command,
                verdict=commands.Verdict(given["verdict"]),
                reason=given["reason"],
                actor=actor_of(request).public_id,
                now=timezone.now(),
            ),
            done="The command is settled.",
        )

    @display(description="State", ordering="state", label=COMMAND_COLORS)
    def progress(self, command: Command) -> str:
        return command.get_state_display()

    @display(description="Payload")
    def order(self, command: Command) -> str:
        return json.dumps(_shown(command.payload), ensure_ascii=False)


def _shown(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload without what is hidden, at any depth."""
    return {
        key: _shown(value) if isinstance(value, dict) else value
        for key, value in payload.items()
        if key not in _HIDDEN
    }


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    """Who holds which session, and until when."""

    list_display = ["session_name", "owner", "epoch", "expires_at"]
    list_filter = ["expires_at"]
    list_select_related = ["session"]
    search_fields = ["session__public_id", "session__name", "owner"]
    session_name = column("session.name", "Session")
    ordering = ["-pk"]
