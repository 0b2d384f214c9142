"""People: customers' and our own."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ModelForm
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
from accounts.services import login, passwords, people, totp
from orsta.core.admin import ReadOnlyInline, ServiceAdmin
from orsta.core.admin_dialogs import dialog

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Which staff may do what."""

    list_per_page = 25

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person may edit: who could, could give its own group every right."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


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

    def save_related(
        self, request: HttpRequest, form: ModelForm[User], formsets: Any, change: bool
    ) -> None:
        """Have the service note the change: by now the person's groups are saved too."""
        super().save_related(request, form, formsets, change)
        if fields := set(form.changed_data) - {"password1", "password2", "usable_password"}:
            actor = actor_of(request).public_id
            people.edited(user=form.instance, fields=fields, now=timezone.now(), actor=actor)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 (Django's name)
        form_url: str = "",
    ) -> HttpResponse:
        """Let a superuser set a password; what was opened with the old one ends."""
        with transaction.atomic():
            before = self.get_object(request, id)
            answer: HttpResponse = super().user_change_password(request, id, form_url)
            after = self.get_object(request, id)
            if before and after and before.password != after.password:
                actor = actor_of(request).public_id
                passwords.set_by_staff(user=after, actor=actor, now=timezone.now())
        return answer

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person may act on another; superusers are for superusers.

        :param obj: the pk of the other, as Unfold has it; None on no page of theirs.
        """
        if not super().has_operate_permission(request, obj):
            return False
        if obj is None or request.user.is_superuser:
            return True
        return not User.objects.filter(pk=obj, is_superuser=True).exists()

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
        dialog=dialog(
            "Log this person out everywhere?",
            "Browsers, tokens and sockets; API keys go on working.",
            "Log out",
        ),
    )
    def revoke_logins(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        return self._run(request, object_id, login.revoke_all, "All logins were ended.")

    @action(
        description="Remove second factor",
        permissions=["operate"],
        dialog=dialog(
            "Remove this person's authenticator app?",
            "For somebody who lost the phone and the recovery codes. Be sure who asks: "
            "afterwards the password is enough to log in.",
            "Remove",
        ),
    )
    def remove_totp(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        done = "The authenticator app and the recovery codes were removed."
        return self._run(request, object_id, totp.remove, done)

    @action(
        description="Shut out",
        permissions=["operate"],
        dialog=dialog(
            "Shut this person out?", "All logins end, and new ones are refused.", "Shut out"
        ),
    )
    def deactivate(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        return self._run(request, object_id, people.deactivate, "The person is shut out.")

    @action(
        description="Let in again",
        permissions=["operate"],
        dialog=dialog(
            "Let this person in again?", "With the same password as before.", "Let in"
        ),
    )
    def reactivate(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        done = "The person can log in again."
        return self._run(request, object_id, people.reactivate, done)

    def _run(
        self, request: HttpRequest, object_id: str, service: Callable[..., Any], done: str
    ) -> HttpResponse:
        user, actor = User.objects.get(pk=object_id), actor_of(request).public_id
        return self.run_service(
            request,
            object_id,
            lambda: service(user=user, now=timezone.now(), actor=actor),
            done=done,
        )
