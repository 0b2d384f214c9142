"""Customers, their people and what they prove themselves with. Digests are never shown."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import (
    AdminPasswordChangeForm,
    BaseDialogForm,
    UserChangeForm,
    UserCreationForm,
)
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import keys as formats
from accounts import selectors
from accounts.models import (
    ApiKey,
    ApiKeyStatus,
    AuditEntry,
    LoginSession,
    Membership,
    ServiceKey,
    Tenant,
    User,
)
from accounts.services import keys, login, people, service_keys
from orsta.core.admin import ReadOnlyAdmin, ReadOnlyInline, ServiceAdmin, link_to_list

KEY_COLORS = {
    ApiKeyStatus.INACTIVE.label: "warning",
    ApiKeyStatus.ACTIVE.label: "success",
    ApiKeyStatus.REVOKED.label: "danger",
}
OPEN_COLORS = {"Open": "success", "Ended": "info"}
SECRETS = ["digest", "pepper_id", "key_id", "hint"]

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Which staff may do what."""

    list_per_page = 25


class MemberInline(ReadOnlyInline):
    """The people of a tenant."""

    model = Membership
    fields = ["user", "role", "created_at"]
    verbose_name_plural = "members"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Return the members with their people in one query."""
        members: QuerySet[Membership] = super().get_queryset(request).select_related("user")
        return members


class MembershipInline(ReadOnlyInline):
    """The tenants of a person."""

    model = Membership
    fields = ["tenant", "role", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Return the memberships with their tenants in one query."""
        found: QuerySet[Membership] = super().get_queryset(request).select_related("tenant")
        return found


class KeyInline(ReadOnlyInline):
    """Every key a tenant had."""

    model = ApiKey
    fields = ["public_id", "status", "created_at", "last_used_at"]
    readonly_fields = fields
    verbose_name_plural = "API keys"


@admin.register(Tenant)
class TenantAdmin(ReadOnlyAdmin):
    """Customers; the links lead to everything that is theirs."""

    list_display = ["public_id", "name", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["public_id", "name", "members__email"]
    ordering = ["-pk"]
    fields = ["public_id", "name", "belongings", "created_at"]
    readonly_fields = fields
    inlines = [MemberInline, KeyInline]
    actions_detail = ["rotate_key", "deactivate_key"]

    @display(description="Theirs")
    def belongings(self, tenant: Tenant) -> SafeString:
        lists = {
            "sessions_app.session": "Sessions",
            "subscriptions.subscription": "Subscription",
            "billing.payment": "Payments",
            "accounts.auditentry": "Audit log",
        }
        links = (link_to_list(model, text, q=tenant.public_id) for model, text in lists.items())
        return mark_safe(" · ".join(links))  # noqa: S308 (joined from escaped links)

    @action(
        description="Rotate API key",
        permissions=["operate"],
        dialog={
            "title": "Replace this tenant's API key?",
            "description": "The present key stops working at once, open sockets included.",
            "form_submit_text": "Rotate",
        },
    )
    def rotate_key(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        tenant = Tenant.objects.get(pk=object_id)
        return self.reveal_once(
            request,
            object_id,
            lambda: keys.rotate(tenant=tenant, user=_actor(request), now=timezone.now()).text,
            done="The API key was rotated.",
        )

    @action(
        description="Turn API key off",
        permissions=["operate"],
        dialog={
            "title": "Turn this tenant's API key off?",
            "description": "Its programs and sockets stop at once. Within a paid period the "
            "tenant can turn it on again.",
            "form_submit_text": "Turn off",
        },
    )
    def deactivate_key(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        tenant = Tenant.objects.get(pk=object_id)
        actor = _actor(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: keys.deactivate(tenant=tenant, now=timezone.now(), actor=actor),
            done="The API key is off.",
        )


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ServiceAdmin):
    """People. Superusers make staff and set passwords; the rest goes through actions."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["email", "username", "is_active", "is_staff", "last_login", "created_at"]
    list_filter = ["is_active", "is_staff", "created_at"]
    search_fields = ["email", "username", "public_id"]
    ordering = ["-pk"]
    readonly_fields = ["public_id", "is_active", "last_login", "created_at"]
    fieldsets = [
        (None, {"fields": ["public_id", "email", "username", "password"]}),
        ("State", {"fields": ["is_active", "last_login", "created_at"]}),
        ("Staff", {"fields": ["is_staff", "is_superuser", "groups", "user_permissions"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["email", "username", "is_staff", "password1", "password2"]})
    ]
    inlines = [MembershipInline]
    actions_detail = ["revoke_logins", "deactivate", "reactivate"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person may edit; rights are given by those who have them all."""
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: people are shut out, not deleted; their traces stay."""
        return False

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> list[Any]:
        return self.inlines if obj is not None else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave the hash's summary to those who may replace it."""
        sets = super().get_fieldsets(request, obj)
        if obj is None or request.user.is_superuser:
            return sets
        return [(None, {"fields": ["public_id", "email", "username"]}), *sets[1:]]

    @action(
        description="End all logins",
        permissions=["operate"],
        dialog={
            "title": "Log this person out everywhere?",
            "description": "Browsers, tokens and sockets; API keys go on working.",
            "form_submit_text": "Log out",
        },
    )
    def revoke_logins(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        user, actor = User.objects.get(pk=object_id), _actor(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: login.revoke_all(user=user, now=timezone.now(), actor=actor),
            done="All logins were ended.",
        )

    @action(
        description="Shut out",
        permissions=["operate"],
        dialog={
            "title": "Shut this person out?",
            "description": "All logins end, and new ones are refused.",
            "form_submit_text": "Shut out",
        },
    )
    def deactivate(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        user, actor = User.objects.get(pk=object_id), _actor(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: people.deactivate(user=user, now=timezone.now(), actor=actor),
            done="The person is shut out.",
        )

    @action(
        description="Let in again",
        permissions=["operate"],
        dialog={
            "title": "Let this person in again?",
            "description": "With the same password as before.",
            "form_submit_text": "Let in",
        },
    )
    def reactivate(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        user, actor = User.objects.get(pk=object_id), _actor(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: people.reactivate(user=user, now=timezone.now(), actor=actor),
            done="The person can log in again.",
        )
