"""`/console/team`: the members of the workspace, and who is invited."""

from typing import Any, cast

from django import forms
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from rest_framework.request import Request

from accounts import permissions
from accounts.api import cookies
from accounts.forms import ConsoleForm
from accounts.models import Role
from accounts.principal import Principal
from accounts.roles import GRANTS
from accounts.selectors import members as roster
from accounts.services import invitations, members, signup
from accounts.views.pages import ConsoleRequest, done, page, person_of, show
from orsta.core import errors
from orsta.core.api import pagination
from orsta.core.api.addresses import client_address

_HOME = "console-team"


class UnknownRole(errors.Invalid):
    """No member can become that."""

    code = "invalid_input"


class InviteForm(ConsoleForm):
    """Who is invited, and as what."""

    email = forms.CharField(
        label="E-mail address",
        max_length=signup.MAX_EMAIL_LENGTH,
        widget=forms.EmailInput({"autocomplete": "off"}),
    )
    role = forms.ChoiceField(choices=Role.choices, initial=Role.DEVELOPER)

    def __init__(self, *args: Any, roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["role"]).choices = roles


@require_safe
@page
def team(request: ConsoleRequest) -> HttpResponse:
    """Show the members and the open invitations."""
    return _page(request)


@require_POST
@page
def invite(request: ConsoleRequest) -> HttpResponse:
    """Mail an invitation."""
    permissions.require(request.principal, "members:write")
    form = InviteForm(request.POST, roles=_roles(request.principal))
    sent = form.run(
        lambda: invitations.invite(
            tenant=request.principal.tenant,
            email=form.cleaned_data["email"],
            role=Role(form.cleaned_data["role"]),
            by=person_of(request),
            ip=client_address(request),
            now=timezone.now(),
        )
    )
    if sent is None:
        return _page(request, form)
    return done(request, f"An invitation is on its way to {sent.email}.", _HOME)


@require_POST
@page
def resend(request: ConsoleRequest, invitation_id: str) -> HttpResponse:
    """Mail an invitation again, with a new link."""
    permissions.require(request.principal, "members:write")
    found = roster.invitation_of(request.principal.tenant, invitation_id)
    ip, now = client_address(request), timezone.now()
    invitations.resend(invitation=found, by=person_of(request), ip=ip, now=now)
    return done(request, f"A new link is on its way to {found.email}.", _HOME)


@require_POST
@page
def withdraw(request: ConsoleRequest, invitation_id: str) -> HttpResponse:
    """Make an invitation useless."""
    permissions.require(request.principal, "members:write")
    found = roster.invitation_of(request.principal.tenant, invitation_id)
    actor = request.principal.actor
    invitations.revoke(invitation=found, actor=actor, now=timezone.now())
    return done(request, f"The invitation of {found.email} is withdrawn.", _HOME)


@require_POST
@page
def change_role(request: ConsoleRequest, member_id: str) -> HttpResponse:
    """Give a member another role."""
    permissions.require(request.principal, "members:write")
    member = roster.member_of(request.principal.tenant, member_id)
    role = request.POST.get("role", "")
    if role not in Role.values:
        raise UnknownRole("There is no such role.")
    members.change_role(
        member=member, role=Role(role), by=person_of(request), now=timezone.now()
    )
    return done(request, f"{member.user.username} has a new role.", _HOME)


@require_POST
@page
def remove(request: ConsoleRequest, member_id: str) -> HttpResponse:
    """Take a member out."""
    permissions.require(request.principal, "members:write")
    member = roster.member_of(request.principal.tenant, member_id)
    members.remove(member=member, by=person_of(request), now=timezone.now())
    return done(request, f"{member.user.username} is removed.", _HOME)


@require_POST
@page
def leave(request: ConsoleRequest) -> HttpResponse:
    """Leave the workspace; this login ends with it."""
    tenant = request.principal.tenant
    members.leave(tenant=tenant, user=person_of(request), now=timezone.now())
    response = done(request, f"You left {tenant.name}.", "console-login")
    cookies.take(response)
    return response


def _page(request: ConsoleRequest, form: InviteForm | None = None) -> HttpResponse:
    principal = request.principal
    permissions.require(principal, "members:read")
    found = roster.members_of(principal.tenant)
    shown = pagination.paginate(found, Request(request), descending=False)
    roles = _roles(principal)
    form = form or InviteForm(roles=roles)
    context = {
        "active": "team",
        "members": shown.items,
        "next_cursor": shown.next_cursor,
        "invitations": list(roster.invitations_of(principal.tenant).order_by("-pk")),
        "roles": roles,
        "given": [value for value, _ in roles],
        "may_write": principal.allows("members:write"),
        "form": form,
        "now": timezone.now(),
    }
    return show(request, "console/team.html", context, status=form.status_code)


def _roles(principal: Principal) -> list[tuple[str, str]]:
    """Return what the caller may give: nobody grants more than they have."""
    if not principal.role:
        return []
    own = GRANTS[Role(principal.role)]
    return [(role.value, role.label) for role in Role if GRANTS[role] <= own]


urlpatterns = [
    path("team", team, name="console-team"),
    path("team/invite", invite, name="console-invite"),
    path("team/leave", leave, name="console-leave"),
    path("team/invitations/<str:invitation_id>/resend", resend, name="console-invite-resend"),
    path(
        "team/invitations/<str:invitation_id>/withdraw",
        withdraw,
        name="console-invite-withdraw",
    ),
    path("team/<str:member_id>/role", change_role, name="console-member-role"),
    path("team/<str:member_id>/remove", remove, name="console-member-remove"),
]
