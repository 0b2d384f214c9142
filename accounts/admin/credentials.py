"""API keys, logins and service keys: what is known of them, never what opens them."""

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import keys as formats
from accounts import selectors
from accounts.admin.staff import actor_of
from accounts.models import ApiKey, ApiKeyStatus, LoginSession, ServiceKey
from accounts.services import login, service_keys
from orsta.core.admin import ReadOnlyAdmin, column

KEY_COLORS = {
    ApiKeyStatus.INACTIVE.label: "warning",
    ApiKeyStatus.ACTIVE.label: "success",
    ApiKeyStatus.REVOKED.label: "danger",
}
OPEN_COLORS = {"Open": "success", "Ended": "info"}
SECRETS = ["digest", "pepper_id", "key_id", "hint"]


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Customers' keys; a tenant's page rotates them and turns them off."""

    list_display = ["public_id", "tenant_name", "masked", "state", "created_at", "last_used_at"]
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["status", "created_at", "last_used_at"]
    list_select_related = ["tenant"]
    search_fields = ["public_id", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
    exclude = SECRETS
    readonly_fields = ["masked"]

    @display(description="Key")
    def masked(self, key: ApiKey) -> str:
        return selectors.masked_key(key)

    @display(description="Status", ordering="status", label=KEY_COLORS)
    def state(self, key: ApiKey) -> str:
        return key.get_status_display()


@admin.register(LoginSession)
class LoginSessionAdmin(ReadOnlyAdmin):
    """Who is logged in to the console, from where."""

    list_display = ["user", "tenant_name", "state", "ip", "created_at", "last_used_at"]
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["revoked_at", "created_at"]
    list_select_related = ["user", "tenant"]
    search_fields = ["public_id", "user__email", "user__public_id", "tenant__public_id"]
    ordering = ["-pk"]
    exclude = SECRETS
    actions_detail = ["revoke"]

    @display(description="State", label=OPEN_COLORS)
    def state(self, session: LoginSession) -> str:
        ended = session.revoked_at is not None or session.expires_at <= timezone.now()
        return "Ended" if ended else "Open"

    @action(
        description="End this login",
        permissions=["operate"],
        dialog={
            "title": "End this login?",
            "description": "Its browser or program is logged out at once, sockets included.",
            "form_class": None,
            "form_submit_text": "Log out",
        },
    )
    def revoke(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """End the login."""
        row = LoginSession.objects.select_related("tenant").get(pk=object_id)
        actor = actor_of(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: login.revoke(login_session=row, now=timezone.now(), actor=actor),
            done="The login was ended.",
        )


class IssueForm(BaseDialogForm):
    """For whom a service key is."""

    source = forms.CharField(
        max_length=64,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The service it speaks for. Empty: for every one.",
    )


@admin.register(ServiceKey)
class ServiceKeyAdmin(ReadOnlyAdmin):
    """Keys of sibling services for `/internal`."""

    list_display = ["public_id", "source", "masked", "state", "created_at", "last_used_at"]
    list_filter = ["revoked_at", "created_at"]
    search_fields = ["public_id", "source"]
    ordering = ["-pk"]
    exclude = SECRETS
    readonly_fields = ["masked"]
    actions_list = ["issue"]
    actions_detail = ["revoke"]

    @display(description="Key")
    def masked(self, key: ServiceKey) -> str:
        return formats.mask(type_=formats.KeyType.SERVICE_KEY, key_id=key.key_id, hint=key.hint)

    @display(description="State", label=OPEN_COLORS)
    def state(self, key: ServiceKey) -> str:
        return "Ended" if key.revoked_at else "Open"

    @action(
        description="New service key",
        permissions=["operate"],
        dialog={
            "title": "Make a service key?",
            "description": "It works at once, and is shown once.",
            "form_class": IssueForm,
            "form_submit_text": "Make",
        },
    )
    def issue(self, request: HttpRequest, form: IssueForm) -> HttpResponse:
        """Make a key and show it."""
        source, actor = form.cleaned_data["source"], actor_of(request).public_id
        return self.reveal_once(
            request,
            None,
            lambda: service_keys.issue(source=source, now=timezone.now(), actor=actor).text,
            done="The service key was made.",
        )

    @action(
        description="Revoke",
        permissions=["operate"],
        dialog={
            "title": "Revoke this service key?",
            "description": "It stops working at once and for good.",
            "form_class": None,
            "form_submit_text": "Revoke",
        },
    )
    def revoke(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Revoke the key."""
        key, actor = ServiceKey.objects.get(pk=object_id), actor_of(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: service_keys.revoke(service_key=key, now=timezone.now(), actor=actor),
            done="The key was revoked.",
        )
