"""Sessions, what moves them, and who holds them."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.services import audit
from orsta.core.admin import ReadOnlyAdmin, ReadOnlyInline, column, link_to_list
from sessions_app.models import Command, Lease, Runner, Session, SessionTransition
from sessions_app.selectors import RUNNER_SILENT_AFTER
from sessions_app.services import lifecycle
from sessions_app.states import CommandState, DesiredState, Hold, SessionStatus, advice_for

if TYPE_CHECKING:
    from accounts.models import User

STATUS_COLORS = {
    SessionStatus.CREATED.label: "info",
    SessionStatus.STARTING.label: "info",
    SessionStatus.PAIRING.label: "primary",
    SessionStatus.CONNECTED.label: "success",
    SessionStatus.DISCONNECTED.label: "warning",
    SessionStatus.STOPPED.label: "default",
    SessionStatus.PAIRING_EXPIRED.label: "warning",
    SessionStatus.LOGGED_OUT.label: "danger",
    SessionStatus.REPLACED.label: "danger",
    SessionStatus.BANNED.label: "danger",
    SessionStatus.FAULTED.label: "danger",
    SessionStatus.DELETED.label: "default",
}
HOLD_COLORS = {Hold.SUSPENDED.label: "danger", Hold.EXPIRED.label: "warning"}
DESIRED_COLORS = {
    DesiredState.RUNNING.label: "success",
    DesiredState.STOPPED.label: "default",
    DesiredState.DELETED.label: "danger",
}
COMMAND_COLORS = {
    CommandState.QUEUED.label: "info",
    CommandState.DONE.label: "success",
    CommandState.FAILED.label: "danger",
    CommandState.UNKNOWN.label: "warning",
}
LIFE_COLORS = {"Alive": "success", "Draining": "warning", "Silent": "danger"}


class TransitionInline(ReadOnlyInline):
    """The session's history, newest first."""

    model = SessionTransition
    fields = ["at", "old", "new", "reason", "epoch"]
    ordering = ["-pk"]
    verbose_name_plural = "history"


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """What a tenant wants of a session, what it is, why, and how it got there."""

    list_display = [
        "name",
        "tenant_name",
        "state",
        "held",
        "engine",
        "jid",
        "status_changed_at",
    ]
    list_filter = ["status", "desired", "hold", "engine", "status_changed_at", "created_at"]
    list_select_related = ["tenant"]
    search_fields = ["public_id", "name", "jid", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
    inlines = [TransitionInline]
    tenant_name = column("tenant.name", "Tenant")
    actions_detail = ["start", "stop", "reconnect"]
    readonly_fields = ["state", "wanted", "held", "advice", "runner", "belongings"]
    fieldsets = [
        (None, {"fields": ["public_id", "name", "tenant", "engine", "belongings"]}),
        (
            "State",
            {
                "fields": [
                    "state", "wanted", "held", "reason", "advice", "status_changed_at",
                    "retry_at", "expires_at", "runner", "provisioned_at",
                ]
            },
        ),
        ("WhatsApp", {"fields": ["jid", "push_name", "last_synced_at", "last_activity_at"]}),
        (
            "Settings",
            {
                "fields": [
                    "webhook_url", "events", "expiration_seconds", "auto_connect",
                    "auto_read_enabled", "typing_enabled", "history_limit",
                ]
            },
        ),
        (
            "Counts",
            {"fields": ["messages_sent", "messages_failed", "created_at", "updated_at"]},
        ),
    ]  # fmt: skip

    @display(description="Status", ordering="status", label=STATUS_COLORS)
    def state(self, session: Session) -> str:
        return session.get_status_display()

    @display(description="Desired", ordering="desired", label=DESIRED_COLORS)
    def wanted(self, session: Session) -> str:
        return session.get_desired_display()

    @display(description="Hold", ordering="hold", label=HOLD_COLORS)
    def held(self, session: Session) -> str:
        return session.get_hold_display()

    @display(description="Advice")
    def advice(self, session: Session) -> str:
        return advice_for(session.status, session.hold)

    @display(description="Runner")
    def runner(self, session: Session) -> str:
        lease = Lease.objects.filter(pk=session.pk).first()
        if lease is None or not lease.owner:
            return "Nobody holds it."
        return f"{lease.owner}, epoch {lease.epoch}, until {lease.expires_at:%H:%M:%S} UTC"

    @display(description="Related")
    def belongings(self, session: Session) -> SafeString:
        lists = {
            "messaging.message": "Messages",
            "contacts.contact": "Contacts",
            "sessions_app.command": "Commands",
            "outbox.outboxevent": "Events",
        }
        links = (
            (link_to_list(model, text, q=session.public_id),) for model, text in lists.items()
        )
        return format_html_join(" · ", "{}", links)

    @action(
        description="Start",
        permissions=["operate"],
        dialog={
            "title": "Start this session?",
            "description": "A linked device connects again; otherwise a code to scan appears.",
            "form_class": None,
            "form_submit_text": "Start",
        },
    )
    def start(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Want the session connected."""
        return self._steer(request, object_id, lifecycle.start, "The session starts.")

    @action(
        description="Stop",
        permissions=["operate"],
        dialog={
            "title": "Stop this session?",
            "description": "Its device stays linked.",
            "form_class": None,
            "form_submit_text": "Stop",
        },
    )
    def stop(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Want the session disconnected."""
        return self._steer(request, object_id, lifecycle.stop, "The session stops.")

    @action(
        description="Reconnect",
        permissions=["operate"],
        dialog={
            "title": "Drop this session's connection and open it again?",
            "description": "No new code has to be scanned. Messages wait meanwhile.",
            "form_class": None,
            "form_submit_text": "Reconnect",
        },
    )
    def reconnect(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Queue a reconnect."""
        return self._steer(request, object_id, lifecycle.reconnect, "The session reconnects.")

    def _steer(
        self, request: HttpRequest, object_id: str, service: Callable[..., Any], done: str
    ) -> HttpResponse:
        """Call a service of the life cycle, and write the audit entry that it does not."""
        session = Session.objects.select_related("tenant").get(pk=object_id)
        actor = cast("User", request.user).public_id

        @transaction.atomic
        def call() -> None:
            now = timezone.now()
            service(session=session, now=now)
            audit.record(
                action=f"session.{service.__name__}_requested",
                actor=actor,
                now=now,
                tenant=session.tenant,
                target=session.public_id,
            )

        return self.run_service(request, object_id, call, done=done)


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

    @display(description="State", ordering="state", label=COMMAND_COLORS)
    def progress(self, command: Command) -> str:
        return command.get_state_display()

    @display(description="Payload")
    def order(self, command: Command) -> str:
        shown = {name: value for name, value in command.payload.items() if name != "text"}
        return json.dumps(shown, ensure_ascii=False)


@admin.register(Runner)
class RunnerAdmin(ReadOnlyAdmin):
    """The processes that hold sessions."""

    list_display = ["node", "life", "sessions", "capacity", "version", "heartbeat_at"]
    list_filter = ["draining", "heartbeat_at"]
    search_fields = ["node", "version"]
    ordering = ["-heartbeat_at"]

    @display(description="Life", label=LIFE_COLORS)
    def life(self, runner: Runner) -> str:
        if _is_silent(runner, now=timezone.now()):
            return "Silent"
        return "Draining" if runner.draining else "Alive"


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    """Who holds which session, and until when."""

    list_display = ["session_name", "owner", "epoch", "expires_at"]
    list_filter = ["expires_at"]
    list_select_related = ["session"]
    search_fields = ["session__public_id", "session__name", "owner"]
    session_name = column("session.name", "Session")
    ordering = ["-pk"]


def _is_silent(runner: Runner, *, now: datetime) -> bool:
    return runner.heartbeat_at <= now - RUNNER_SILENT_AFTER
