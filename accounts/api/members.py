"""`/v1/members`: the people of the workspace."""

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import cookies, filters
from accounts.api import tenant_serializers as serializers
from accounts.api.base import PersonAPIView
from accounts.models import Membership, Role
from accounts.selectors import members as roster
from accounts.services import members
from orsta.core.api import pagination
from orsta.core.api.schema import IDEMPOTENCY

TAGS = ["Members"]


class MemberList(PersonAPIView):
    """The members."""

    required_scope: ClassVar = {"GET": "members:read"}

    @extend_schema(
        operation_id="members_list",
        tags=TAGS,
        summary="List members",
        description="The first who joined first, in pages.",
        parameters=[filters.PeopleFilter, *pagination.PARAMETERS],
        responses=serializers.MemberPage,
    )
    def get(self, request: Request) -> Response:
        """Return a page of members."""
        names = ["user__username", "user__email"]
        found = filters.people(roster.members_of(self.tenant), request, searched=names)
        page = pagination.paginate(found, request, descending=False)
        rows = serializers.MemberOutput(page.items, many=True).data
        return Response({"members": rows, "next_cursor": page.next_cursor})


class MemberDetail(PersonAPIView):
    """One member."""

    required_scope: ClassVar = {"PATCH": "members:write", "DELETE": "members:write"}

    @extend_schema(
        operation_id="members_update",
        tags=TAGS,
        summary="Change a member's role",
        description="Nobody gives a role that may do more than they may; only owners make "
        "owners, and the last owner stays one. It counts at once, for open sockets within "
        "seconds.",
        request=serializers.RoleInput,
        responses=serializers.MemberEnvelope,
    )
    def patch(self, request: Request, member_id: str) -> Response:
        """Give a member another role."""
        form = serializers.RoleInput(data=request.data)
        form.is_valid(raise_exception=True)
        role = Role(form.validated_data["role"])
        changed = members.change_role(
            member=self.member(member_id), role=role, by=self.person, now=timezone.now()
        )
        return Response({"member": serializers.MemberOutput(changed).data})

    @extend_schema(
        operation_id="members_remove",
        tags=TAGS,
        summary="Remove a member",
        description="Their logins to this workspace end at once; API keys they made go on.",
        responses={204: None},
    )
    def delete(self, request: Request, member_id: str) -> Response:
        """Take somebody out."""
        members.remove(member=self.member(member_id), by=self.person, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def member(self, member_id: str) -> Membership:
        """Return a member of the caller's workspace.

        :raises UnknownMember: it is not there, or another tenant's.
        """
        return roster.member_of(self.tenant, member_id)


class Leave(PersonAPIView):
    """The way out."""

    required_scope: ClassVar = {"POST": "account:write"}

    @extend_schema(
        operation_id="members_leave",
        tags=TAGS,
        summary="Leave the workspace",
        description="The last owner cannot. One's logins to this workspace end, this one too.",
        parameters=[IDEMPOTENCY],
        request=None,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        """Go."""
        return self.once(request, self._leave)

    def _leave(self) -> Response:
        members.leave(tenant=self.tenant, user=self.person, now=timezone.now())
        response = Response(status=status.HTTP_204_NO_CONTENT)
        cookies.take(response)
        return response
