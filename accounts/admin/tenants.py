"""Tenants, and the way to everything that is theirs."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts import selectors
from accounts.admin.staff import actor_of
from accounts.admin.tenant_states import StateActions
from accounts.models import ApiKey, Membership, Tenant, User
from accounts.services import keys
from orsta.core.admin import ReadOnlyInline, link_to_list
from orsta.core.admin_dialogs import dialog

STATUS_COLORS = {
    "Active": "success",
    "Suspended": "warning",
    "To be deleted": "danger",
    "Purged": "info",
}


class MemberInline(ReadOnlyInline):
    """The people of a tenant."""

    model = Membership
    fields = ["user", "role", "created_at"]
    verbose_name_plural = "members"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Return the members with their people in one query."""
        members: QuerySet[Membership] = super().get_queryset(request).select_related("user")
        return members


class KeyInline(ReadOnlyInline):
    """Every key a tenant had."""

    model = ApiKey
    fields = ["public_id", "name", "created_at", "last_used_at"]
    verbose_name_plural = "API keys"


@admin.register(Tenant)
class TenantAdmin(StateActions):
    """Customers; the links lead to everything that is theirs."""

    list_display = ["public_id", "name", "state", "source", "external_id", "created_at"]
    list_filter = ["status", "source", "created_at"]
    search_fields = ["public_id", "name", "external_id", "members__email"]
    ordering = ["-pk"]
    fields = ["public_id", "name", "state", "status_reason", "purge_at", "belongings"]
    fields += ["default_country", "source", "external_id", "created_by", "created_at"]
    readonly_fields = fields
    inlines = [MemberInline, KeyInline]
    actions_detail = [
        "export",
        {
            "title": "API key",
            "icon": "vpn_key",
            "items": ["rotate_key", "deactivate_key"],
        },
        {
            "title": "Stop or resume",
            "icon": "more_horiz",
            "items": ["suspend", "resume", "schedule_deletion", "cancel_deletion"],
        },
    ]

    @display(description="Status", label=STATUS_COLORS)
    def state(self, tenant: Tenant) -> str:
        return tenant.get_status_display()

    @display(description="Related")
    def belongings(self, tenant: Tenant) -> SafeString:
        lists = {
            "sessions_app.session": "Sessions",
            "subscriptions.subscription": "Subscription",
            "billing.payment": "Payments",
            "accounts.invitation": "Invitations",
            "accounts.auditentry": "Audit log",
        }
        links = (
            (link_to_list(model, text, q=tenant.public_id),) for model, text in lists.items()
        )
        return format_html_join(" · ", "{}", links)

    @action(
        description="Rotate API key",
        permissions=["operate"],
        dialog=dialog(
            "Replace this tenant's API key?",
            "The present key stops working at once, open sockets included.",
            "Rotate",
        ),
    )
    def rotate_key(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        tenant = Tenant.objects.get(pk=object_id)
        return self.reveal_once(
            request,
            object_id,
            lambda: _rotate(tenant, actor_of(request)),
            done="The API key was rotated.",
        )

    @action(
        description="Turn API key off",
        permissions=["operate"],
        dialog=dialog(
            "Turn this tenant's API key off?",
            "Its programs and sockets stop at once. Within a paid period the "
            "tenant can turn it on again.",
            "Turn off",
        ),
    )
    def deactivate_key(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        tenant = Tenant.objects.get(pk=object_id)
        actor = actor_of(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: keys.deactivate(tenant=tenant, now=timezone.now(), actor=actor),
            done="The API key is off.",
        )


def _rotate(tenant: Tenant, actor: User) -> str:
    key = selectors.current_api_key(tenant=tenant)
    if key is None:
        raise keys.NoApiKey("This workspace has no API key.")
    now = timezone.now()
    return keys.rotate(key=key, user=key.created_by, now=now, actor=actor.public_id).text
