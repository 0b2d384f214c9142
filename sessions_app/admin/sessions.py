"""Sessions, and what staff do to them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.admin.staff import actor_of
from accounts.services import audit
from orsta.core.admin import ReadOnlyInline, column, link_to_list
from orsta.core.admin_dialogs import dialog
from sessions_app import selectors
from sessions_app.admin.session_places import PlaceActions
from sessions_app.models import Lease, Session, SessionTransition
from sessions_app.services import attempts, lifecycle
from sessions_app.states import DesiredState, Hold, SessionStatus, advice_for

STATUS_COLORS = {
    SessionStatus.CREATED.label: "info",
    SessionStatus.STARTING.label: "info",
    SessionStatus.PAIRING.label: "primary",
    SessionStatus.PASSKEY_REQUIRED.label: "primary",
    SessionStatus.PASSKEY_CONFIRMATION.label: "primary",
    SessionStatus.CONNECTED.label: "success",
    SessionStatus.RESTRICTED.label: "warning",
    SessionStatus.DEGRADED.label: "warning",
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


ACTIONS: dict[Callable[..., Any], str] = {  # in the audit log
    lifecycle.start: "session.start_requested",
    lifecycle.stop: "session.stop_requested",
    lifecycle.reconnect: "session.reconnect_requested",
    attempts.lift: "session.pairing_limit_lifted",
}


class NeedsAttention(admin.SimpleListFilter):
    """Sessions in trouble that somebody of ours has to look at."""

    title = "attention"
    parameter_name = "attention"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        """Offer the one choice beside all."""
        return [("yes", "Needs attention")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Keep what the table of failures calls for staff."""
        if self.value() != "yes":
            return queryset
        return queryset & selectors.alerting_sessions()


class TransitionInline(ReadOnlyInline):
    """The session's history, newest first."""

    model = SessionTransition
    fields = ["at", "old", "new", "reason", "reason_code", "detail", "epoch"]
    ordering = ["-pk"]
    verbose_name_plural = "history"


@admin.register(Session)
class SessionAdmin(PlaceActions):
    """What a tenant wants of a session, what it is, why, and how it got there."""

    list_display = [
        "name",
        "tenant_name",
        "state",
        "held",
        "reason_code",
        "engine",
        "jid",
        "status_changed_at",
    ]
    list_filter = [
        NeedsAttention,
        "status",
        "desired",
        "hold",
        "reason_code",
        "engine",
        "status_changed_at",
        "created_at",
    ]
    list_select_related = ["tenant"]
    search_fields = ["public_id", "name", "jid", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
    inlines = [TransitionInline]
    tenant_name = column("tenant.name", "Tenant")
    actions_detail = [
        "start",
        "stop",
        "reconnect",
        {
            "title": "More",
            "icon": "more_horiz",
            "items": ["lift_pairing_limit", "assign_proxy", "remove_proxy", "move"],
        },
    ]
    readonly_fields = [
        "state", "wanted", "held", "advice", "runner", "belongings", "lives_in", "goes_through",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["public_id", "name", "tenant", "engine", "belongings"]}),
        (
            "State",
            {
                "fields": [
                    "state", "wanted", "held", "reason", "reason_code", "advice",
                    "status_changed_at", "retry_at", "expires_at", "runner", "provisioned_at",
                ]
            },
        ),
        ("Place", {"fields": ["lives_in", "goes_through", "device_name"]}),
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
    def advice(self, session: Session) -> SafeString:
        """Say what to do, and where the runbook says more."""
        advice = advice_for(session.status, session.hold)
        section = (session.hold or session.reason_code or session.status).lower()
        link = f"{reverse('runbook')}#{section}"
        return format_html('{} <a href="{}">What staff can do</a>', advice, link)

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
        dialog=dialog(
            "Start this session?",
            "A linked device connects again; otherwise a code to scan appears.",
            "Start",
        ),
    )
    def start(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Want the session connected."""
        return self._steer(request, object_id, lifecycle.start, "The session starts.")

    @action(
        description="Stop",
        permissions=["operate"],
        dialog=dialog("Stop this session?", "Its device stays linked.", "Stop"),
    )
    def stop(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Want the session disconnected."""
        return self._steer(request, object_id, lifecycle.stop, "The session stops.")

    @action(
        description="Reconnect",
        permissions=["operate"],
        dialog=dialog(
            "Drop this session's connection and open it again?",
            "No new code has to be scanned. Messages wait meanwhile.",
            "Reconnect",
        ),
    )
    def reconnect(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Queue a reconnect."""
        return self._steer(request, object_id, lifecycle.reconnect, "The session reconnects.")

    @action(
        description="Lift the pairing limit",
        permissions=["operate"],
        dialog=dialog(
            "Let this session ask for codes again?",
            "It asked too often within the hour. WhatsApp locks numbers that go "
            "on with it, so know why it did.",
            "Lift the limit",
        ),
    )
    def lift_pairing_limit(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Forget the pairings so far."""
        return self._steer(request, object_id, attempts.lift, "The limit was lifted.")

    def _steer(
        self, request: HttpRequest, object_id: str, service: Callable[..., Any], done: str
    ) -> HttpResponse:
        """Call a service of the life cycle, and write the audit entry that it does not."""
        session = get_object_or_404(Session.objects.select_related("tenant"), pk=object_id)
        actor = actor_of(request).public_id

        @transaction.atomic
        def call() -> None:
            now = timezone.now()
            service(session=session, now=now)
            audit.record(
                action=ACTIONS[service],
                actor=actor,
                now=now,
                tenant=session.tenant,
                target=session.public_id,
            )

        return self.run_service(request, object_id, call, done=done)
