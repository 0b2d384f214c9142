"""People: customers' and our own."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import (
    AdminPasswordChangeForm,
    BaseDialogForm,
    UserChangeForm,
    UserCreationForm,
)

from accounts.admin.staff import actor_of
from accounts.models import Membership, User
from accounts.services import login, people, totp
from orsta.core.admin import ReadOnlyInline, ServiceAdmin

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Which staff may do what."""

    list_per_page = 25


class MembershipInline(ReadOnlyInline):
    """The tenants of a person."""

    model = Membership
    fields = ["tenant", "role", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Return the memberships with their tenants in one query."""
        found: QuerySet[Membership] = super().get_queryset(request).select_related("tenant")
        return found


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ServiceAdmin):
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
        ("Staff", {"fields": ["is_staff", "is_superuser", "groups"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["email", "username", "is_staff", "password1", "password2"]})
    ]
    filter_horizontal = []
    inlines = [MembershipInline]
    actions_detail = ["revoke_logins", "remove_totp", "deactivate", "reactivate"]

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
        user, actor = User.objects.get(pk=object_id), actor_of(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: login.revoke_all(user=user, now=timezone.now(), actor=actor),
            done="All logins were ended.",
        )

    @action(
        description="Remove second factor",
        permissions=["operate"],
        dialog={
            "title": "Remove this person's authenticator app?",
            "description": "For somebody who lost the phone and the recovery codes. Be sure "
            "who asks: afterwards the password is enough to log in.",
            "form_submit_text": "Remove",
        },
    )
    def remove_totp(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        user, actor = User.objects.get(pk=object_id), actor_of(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: totp.remove(user=user, now=timezone.now(), actor=actor),
            done="The authenticator app and the recovery codes were removed.",
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
        user, actor = User.objects.get(pk=object_id), actor_of(request).public_id
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
        user, actor = User.objects.get(pk=object_id), actor_of(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: people.reactivate(user=user, now=timezone.now(), actor=actor),
            done="The person can log in again.",
        )
