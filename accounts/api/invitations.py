"""`/v1/invitations`: places that are offered, and `/auth/invitations/accept`."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import authentication
from accounts.api import cookies, filters
from accounts.api import tenant_serializers as serializers
from accounts.api.base import PersonAPIView, PublicAPIView, user_agent
from accounts.models import Invitation, Membership, Role, User
from accounts.permissions import LoginRequired
from accounts.principal import Principal, PrincipalKind
from accounts.selectors import members as roster
from accounts.services import invitations
from orsta.core.api import idempotency, pagination
from orsta.core.api.addresses import client_address
from orsta.core.api.schema import IDEMPOTENCY

TAGS = ["Members"]


class InvitationList(PersonAPIView):
    """The invitations that are open."""

    required_scope: ClassVar = {"GET": "members:read", "POST": "members:write"}

    @extend_schema(
        operation_id="invitations_list",
        tags=TAGS,
        summary="List open invitations",
        description="Newest first, in pages; those that expired too.",
        parameters=[filters.PeopleFilter, *pagination.PARAMETERS],
        responses=serializers.InvitationPage,
    )
    def get(self, request: Request) -> Response:
        """Return a page of invitations."""
        found = filters.people(roster.invitations_of(self.tenant), request, searched=["email"])
        page = pagination.paginate(found, request)
        rows = serializers.InvitationOutput(page.items, many=True).data
        return Response({"invitations": rows, "next_cursor": page.next_cursor})

    @extend_schema(
        operation_id="invitations_create",
        tags=TAGS,
        summary="Invite somebody",
        description="A link is mailed that works once, for seven days. Nobody gives a role "
        "that may do more than they may.",
        parameters=[IDEMPOTENCY],
        request=serializers.InvitationInput,
        responses={201: serializers.InvitationEnvelope},
    )
    def post(self, request: Request) -> Response:
        """Offer a place to an address."""
        form = serializers.InvitationInput(data=request.data)
        form.is_valid(raise_exception=True)
        return self.once(request, lambda: self._invite(**form.validated_data))

    def _invite(self, *, email: str, role: str) -> Response:
        sent = invitations.invite(
            tenant=self.tenant,
            email=email,
            role=Role(role),
            by=self.person,
            ip=client_address(self.request),
            now=timezone.now(),
        )
        return _show(sent, status.HTTP_201_CREATED)


class InvitationDetail(PersonAPIView):
    """One open invitation."""

    required_scope: ClassVar = {"DELETE": "members:write"}

    @extend_schema(
        operation_id="invitations_revoke",
        tags=TAGS,
        summary="Withdraw an invitation",
        responses={204: None},
    )
    def delete(self, request: Request, invitation_id: str) -> Response:
        """Make its link useless."""
        found = roster.invitation_of(self.tenant, invitation_id)
        actor = self.person.public_id
        invitations.revoke(invitation=found, actor=actor, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationResend(PersonAPIView):
    """The same invitation, mailed again."""

    required_scope: ClassVar = {"POST": "members:write"}

    @extend_schema(
        operation_id="invitations_resend",
        tags=TAGS,
        summary="Send an invitation again",
        description="With a new link, good for seven days; the old one stops working.",
        parameters=[IDEMPOTENCY],
        request=None,
        responses=serializers.InvitationEnvelope,
    )
    def post(self, request: Request, invitation_id: str) -> Response:
        """Mail a new link."""
        return self.once(request, lambda: self._resend(invitation_id))

    def _resend(self, invitation_id: str) -> Response:
        found = roster.invitation_of(self.tenant, invitation_id)
        ip = client_address(self.request)
        sent = invitations.resend(invitation=found, by=self.person, ip=ip, now=timezone.now())
        return _show(sent)


class AcceptInvitation(PublicAPIView):
    """The answer to an invitation, with an account or without one."""

    authentication_classes = [*authentication.CUSTOMER]

    @extend_schema(
        operation_id="invitations_accept",
        tags=TAGS,
        summary="Accept an invitation",
        description="Logged in, the address of the account must be the one that was invited. "
        "Otherwise a user name and a password make an account with that address, verified by "
        "the mail it was sent to, and log it in.",
        parameters=[IDEMPOTENCY],
        request=serializers.AcceptInput,
        responses={
            200: serializers.AcceptedOutput,
            201: serializers.AcceptedOutput,
        },
        # The stubs are wrong: these are OpenAPI's security requirements.
        auth=[{}, {"apiKey": []}, {"bearer": []}, {"cookie": []}],  # type: ignore[list-item]
    )
    def post(self, request: Request) -> Response:
        """Take the place."""
        form = serializers.AcceptInput(data=request.data)
        form.is_valid(raise_exception=True)
        scope = "public:invitation"
        return idempotency.run(
            request,
            scope=scope,
            effect=lambda: self._accept(request, form.validated_data),
            secrets=("token",),
        )

    def _accept(self, request: Request, fields: dict[str, Any]) -> Response:
        user = _person(request)
        if user is not None:
            place = invitations.accept(
                token=fields["token"], user=user, ip=client_address(request), now=timezone.now()
            )
            return Response(_accepted(place))
        return self._accept_new(request, fields)

    def _accept_new(self, request: Request, fields: dict[str, Any]) -> Response:
        if "username" not in fields:
            roster.invitation_behind(fields["token"], now=timezone.now())
            raise LoginRequired("Log in, or give a user name and a password for a new account.")
        joined = invitations.accept_new(
            **fields,
            ip=client_address(request),
            user_agent=user_agent(request),
            now=timezone.now(),
        )
        response = Response(_accepted(joined), status.HTTP_201_CREATED)
        cookies.give(request, response, joined.tokens)
        return response


def _person(request: Request) -> User | None:
    """Return who is logged in, None if nobody is.

    :raises LoginRequired: a program is calling.
    """
    principal = request.auth
    if not isinstance(principal, Principal):
        return None
    if principal.kind != PrincipalKind.LOGIN:
        raise LoginRequired
    return principal.user


def _show(invitation: Invitation, code: int = status.HTTP_200_OK) -> Response:
    return Response({"invitation": serializers.InvitationOutput(invitation).data}, code)


def _accepted(joined: Membership | invitations.Joined) -> Any:
    return serializers.AcceptedOutput(joined).data
