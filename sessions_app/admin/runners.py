"""The processes that hold sessions."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from unfold.decorators import action, display

from accounts.admin.staff import actor_of
from orsta.core.admin import ReadOnlyAdmin
from orsta.core.admin_dialogs import ReasonForm, dialog
from sessions_app import selectors
from sessions_app.admin.colors import fullness
from sessions_app.models import Runner
from sessions_app.selectors import RUNNER_SILENT_AFTER
from sessions_app.services import runners

LIFE_COLORS = {"Alive": "success", "Draining": "warning", "Silent": "danger"}


class LifeFilter(admin.SimpleListFilter):
    """Whether a runner still gives signs of life."""

    title = "life"
    parameter_name = "life"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("alive", "Alive"), ("silent", "Silent")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Runner]) -> QuerySet[Runner]:
        """Keep the runners of the chosen kind."""
        now = timezone.now()
        match self.value():
            case "alive":
                return queryset & selectors.live_runners(now=now)
            case "silent":
                return queryset & selectors.silent_runners(now=now)
            case _:
                return queryset


@admin.register(Runner)
class RunnerAdmin(ReadOnlyAdmin):
    """Each process of `manage.py run_sessions`, alive or dead for less than a day."""

    list_display = ["node", "life", "used", "busy", "version", "heard", "started_at"]
    list_filter = [LifeFilter, "draining", "version", "heartbeat_at"]
    search_fields = ["node", "version"]
    ordering = ["-heartbeat_at"]
    actions_detail: ClassVar[list[str]] = ["drain"]
    readonly_fields = ["life", "used", "busy", "heard"]
    fields = [
        "node", "life", "used", "busy", "version", "heard", "heartbeat_at", "started_at",
        "drain_requested_at",
    ]  # fmt: skip

    @display(description="Life", label=LIFE_COLORS)
    def life(self, runner: Runner) -> str:
        if _is_silent(runner, now=timezone.now()):
            return "Silent"
        draining = runner.draining or runner.drain_requested_at
        return "Draining" if draining else "Alive"

    @display(description="Sessions", ordering="sessions")
    def used(self, runner: Runner) -> SafeString:
        return fullness(runner.sessions, runner.capacity)

    @display(description="Load per CPU", ordering="load")
    def busy(self, runner: Runner) -> str:
        return f"{runner.load:.2f}"

    @display(description="Sign of life", ordering="heartbeat_at")
    def heard(self, runner: Runner) -> str:
        now, at = timezone.now(), runner.heartbeat_at
        seconds = max(0, int((now - at).total_seconds()))
        return f"{seconds} s ago" if seconds < 60 else f"{timesince(at, now)} ago"

    @action(
        description="Drain",
        permissions=["operate"],
        dialog=dialog(
            "Drain this runner and end it?",
            "It closes its connections without unlinking a device, and other "
            "runners take its sessions. What watches over the process may start another one.",
            "Drain",
            ReasonForm,
        ),
    )
    def drain(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Ask the runner to end."""
        runner, actor = get_object_or_404(Runner, pk=object_id), actor_of(request).public_id
        why = form.cleaned_data["reason"]
        return self.run_service(
            request,
            object_id,
            lambda: runners.request_drain(
                runner=runner, reason=why, now=timezone.now(), actor=actor
            ),
            done="The runner drains with its next sign of life, within 10 seconds.",
        )


def _is_silent(runner: Runner, *, now: datetime) -> bool:
    return runner.heartbeat_at <= now - RUNNER_SILENT_AFTER
