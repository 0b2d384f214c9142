"""API keys, logins and service keys: what is known of them, never what opens them."""

from datetime import timedelta

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import keys as formats
from accounts import selectors
from accounts.admin.staff import actor_of
from accounts.models import ApiKey, ApiKeyState, LoginSession, ServiceKey
from accounts.selectors import people
from accounts.services import keys, login, service_keys
from orsta.core.admin import ReadOnlyAdmin, column
from orsta.core.admin_dialogs import dialog

KEY_COLORS = {
    ApiKeyState.LIVING.label: "success",
    ApiKeyState.ENDING.label: "warning",
    ApiKeyState.EXPIRED.label: "info",
    ApiKeyState.REVOKED.label: "danger",
}
OPEN_COLORS = {"Open": "success", "Ended": "info"}
SECRETS = ["digest", "pepper_id", "key_id", "hint"]


class OverlapForm(BaseDialogForm):
    """How long a key works beside its successor."""

    overlap_hours = forms.IntegerField(
        min_value=0,
        max_value=int(keys.MAX_OVERLAP.total_seconds() // 3600),
        initial=24,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="For so many hours both keys work. 0 ends the old one at once.",
    )

    @property
    def overlap(self) -> timedelta:
        """Return what was filled in."""
        return timedelta(hours=self.cleaned_data["overlap_hours"])


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Customers' keys."""

    list_display = [
        "public_id",
        "tenant_name",
        "name",
        "masked",
        "state",
        "created_at",
        "last_used_at",
    ]
    tenant_name = column("tenant.name", "Tenant")
    list_filter = ["revoked_at", "expires_at", "created_at", "last_used_at"]
    list_select_related = ["tenant"]
    search_fields = ["public_id", "name", "tenant__public_id", "tenant__name"]
    ordering = ["-pk"]
    exclude = SECRETS
    readonly_fields = ["masked"]
    actions_detail = ["rotate", "revoke"]

    @display(description="Key")
    def masked(self, key: ApiKey) -> str:
        return selectors.masked_key(key)

    @display(description="Status", label=KEY_COLORS)
    def state(self, key: ApiKey) -> str:
        return key.state_at(timezone.now()).label

    @action(
        description="Replace",
        permissions=["operate"],
        dialog=dialog(
            "Replace this API key?",
            "The new key may do the same, and is shown once.",
            "Replace",
            OverlapForm,
        ),
    )
    def rotate(self, request: HttpRequest, form: OverlapForm, object_id: str) -> HttpResponse:
        """Make the key's successor and show it."""
        key = ApiKey.objects.select_related("tenant", "created_by").get(pk=object_id)
        actor, now = actor_of(request).public_id, timezone.now()
        return self.reveal_once(
            request,
            object_id,
            lambda: (
                keys.rotate(
                    key=key, user=key.created_by, overlap=form.overlap, now=now, actor=actor
                ).text
            ),
            done="The API key was replaced.",
        )

    @action(
        description="Revoke",
        permissions=["operate"],
        dialog=dialog(
            "Revoke this API key?",
            "It stops working at once and for good, open sockets included.",
            "Revoke",
        ),
    )
    def revoke(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Revoke the key."""
        key = ApiKey.objects.select_related("tenant").get(pk=object_id)
        actor = actor_of(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: keys.revoke(key=key, now=timezone.now(), actor=actor),
            done="The API key was revoked.",
        )


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

    def get_queryset(self, request: HttpRequest) -> QuerySet[LoginSession]:
        """Return the logins with whether each is open: a refresh may follow its token's end."""
        logins: QuerySet[LoginSession] = super().get_queryset(request)
        return logins.annotate(is_open=people.is_open(now=timezone.now()))

    @display(description="State", label=OPEN_COLORS)
    def state(self, session: LoginSession) -> str:
        return "Open" if session.is_open else "Ended"  # type: ignore[attr-defined]

    @action(
        description="End this login",
        permissions=["operate"],
        dialog=dialog(
            "End this login?",
            "Its browser or program is logged out at once, sockets included.",
            "Log out",
        ),
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
    name = forms.CharField(
        max_length=service_keys.MAX_NAME_LENGTH,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="What it is used for.",
    )
    expires_at = forms.DateTimeField(
        required=False,
        widget=UnfoldAdminSingleDateWidget,
        help_text="When it ends by itself (UTC). Empty: never.",
    )


@admin.register(ServiceKey)
class ServiceKeyAdmin(ReadOnlyAdmin):
    """Keys of sibling services for `/internal`."""

    list_display = [
        "public_id",
        "source",
        "name",
        "masked",
        "state",
        "expires_at",
        "created_at",
        "last_used_at",
    ]
    list_filter = ["revoked_at", "expires_at", "created_at"]
    search_fields = ["public_id", "source", "name"]
    ordering = ["-pk"]
    exclude = SECRETS
    readonly_fields = ["masked"]
    actions_list = ["issue"]
    actions_detail = ["rotate", "revoke"]

    @display(description="Key")
    def masked(self, key: ServiceKey) -> str:
        return formats.mask(type_=formats.KeyType.SERVICE_KEY, key_id=key.key_id, hint=key.hint)

    @display(description="State", label=OPEN_COLORS)
    def state(self, key: ServiceKey) -> str:
        expired = key.expires_at is not None and key.expires_at <= timezone.now()
        return "Ended" if key.revoked_at or expired else "Open"

    @action(
        description="New service key",
        permissions=["operate"],
        dialog=dialog(
            "Make a service key?",
            "It works at once, and is shown once.",
            "Make",
            IssueForm,
        ),
    )
    def issue(self, request: HttpRequest, form: IssueForm) -> HttpResponse:
        """Make a key and show it."""
        chosen = {name: form.cleaned_data[name] for name in ("source", "name", "expires_at")}
        actor = actor_of(request).public_id
        return self.reveal_once(
            request,
            None,
            lambda: service_keys.issue(**chosen, now=timezone.now(), actor=actor).text,
            done="The service key was made.",
        )

    @action(
        description="Replace",
        permissions=["operate"],
        dialog=dialog(
            "Replace this service key?",
            "The new key speaks for the same source, and is shown once.",
            "Replace",
            OverlapForm,
        ),
    )
    def rotate(self, request: HttpRequest, form: OverlapForm, object_id: str) -> HttpResponse:
        """Make the key's successor and show it."""
        key, actor = ServiceKey.objects.get(pk=object_id), actor_of(request).public_id
        now = timezone.now()
        return self.reveal_once(
            request,
            object_id,
            lambda: (
                service_keys.rotate(
                    service_key=key, overlap=form.overlap, now=now, actor=actor
                ).text
            ),
            done="The service key was replaced.",
        )

    @action(
        description="Revoke",
        permissions=["operate"],
        dialog=dialog(
            "Revoke this service key?",
            "It stops working at once and for good.",
            "Revoke",
        ),
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
