"""`/auth`: who am I, where am I logged in, for which workspace."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import filters, serializers
from accounts.api.answers import private
from accounts.api.base import PersonAPIView, TenantAPIView
from accounts.selectors import people
from accounts.services import login, switching
from orsta.core.api import pagination

_TAGS = ["auth"]
_LOGIN_ID = OpenApiParameter("login_id", str, OpenApiParameter.PATH, description="`log_…`")


class Me(TenantAPIView):
    """The caller about itself."""

    required_scope = {"GET": "account:read"}

    @extend_schema(
        operation_id="auth_me_retrieve",
        summary="Who am I",
        responses=serializers.AboutOutput,
        tags=_TAGS,
    )
    def get(self, request: Request) -> Response:
        """Return the person, its workspaces and the state of the API key."""
        return private(serializers.AboutOutput(people.about(self.principal)).data)


class LoginList(PersonAPIView):
    """A person's logins."""

    required_scope = {"GET": "account:read"}

    @extend_schema(
        operation_id="auth_sessions_list",
        summary="List your logins",
        description="Those that are open, the newest first.",
        parameters=[filters.LoginFilter, *pagination.PARAMETERS],
        responses=serializers.LoginSessionPage,
        tags=_TAGS,
    )
    def get(self, request: Request) -> Response:
        """Return where the person is logged in: device, address, when it was last seen."""
        logins = people.logins_of(self.person, now=timezone.now())
        found = filters.narrow(logins, request, filters.LoginFilter)
        page = pagination.paginate(found, request)
        context = {"credential_id": self.principal.credential_id}
        rows = serializers.LoginSessionOutput(page.items, many=True, context=context).data
        return private({"login_sessions": rows, "next_cursor": page.next_cursor})


class LoginDetail(PersonAPIView):
    """One of a person's logins."""

    required_scope = {"DELETE": "account:write"}

    @extend_schema(
        operation_id="auth_sessions_destroy",
        summary="End one of your logins",
        parameters=[_LOGIN_ID],
        responses={204: None},
        tags=_TAGS,
    )
    def delete(self, request: Request, login_id: str) -> Response:
        """Revoke the login at once, its open sockets included."""
        now = timezone.now()
        found = people.login_of(self.person, login_id, now=now)
        login.revoke(login_session=found, now=now, actor=self.person.public_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SwitchTenant(PersonAPIView):
    """Another workspace of the person."""

    required_scope = {"POST": "account:write"}

    @extend_schema(
        operation_id="auth_switch_tenant_create",
        summary="Switch to another workspace",
        description="This login, with its tokens, acts for the other workspace from now on. "
        "Its open sockets end, and come back for the new one.",
        request=serializers.SwitchInput,
        responses=serializers.WorkspaceOutput,
        tags=_TAGS,
    )
    def post(self, request: Request) -> Response:
        """Move this login to another workspace of the person."""
        form = serializers.SwitchInput(data=request.data)
        form.is_valid(raise_exception=True)
        place = switching.switch(
            **form.validated_data,
            user=self.person,
            login_id=self.principal.credential_id,
            now=timezone.now(),
        )
        return Response(serializers.WorkspaceOutput(place).data)
