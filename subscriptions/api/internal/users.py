"""`/internal/users`: list, make, renew, stop and delete users."""

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Tenant, TenantStatus
from accounts.services import tenants
from orsta.core.api.schema import IDEMPOTENCY
from subscriptions import directory
from subscriptions.api.internal import serializers
from subscriptions.api.internal.base import SOURCE, TAGS, UserView, source_of_row
from subscriptions.services import partners
from subscriptions.services.partners import DEFAULT_PROVIDER, Promise

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_MAX_DIGITS = len(str(directory.MAX_PAGE))
NOTE = "The api_key is shown once, when the user is new."
_EXAMPLE = OpenApiExample(
    "A user with five sessions",
    {
        "user_id": "usr_001",
        "source": "genfity-app",
        "expires_at": "2027-01-31T00:00:00Z",
        "max_sessions": 5,
        "max_messages": 10000,
        "provider": "genfity-wa",
        "created_by": "admin",
    },
    request_only=True,
)
_LIST_PARAMETERS = [
    OpenApiParameter(
        "source",
        OpenApiTypes.STR,
        description="Only this service's users, for a key of every service; a bound key always "
        "sees its own.",
    ),
    OpenApiParameter(
        "provider",
        OpenApiTypes.STR,
        description="Show subscriptions of this product alone; absent shows every one.",
    ),
    OpenApiParameter("page", OpenApiTypes.INT, description="From 1; 1 if absent or bad."),
    OpenApiParameter(
        "limit",
        OpenApiTypes.INT,
        description=f"Users per page, up to {MAX_LIMIT}; {DEFAULT_LIMIT} if absent or bad.",
    ),
]


class UserList(UserView):
    """The users of a service."""

    @extend_schema(
        operation_id="internal_users_list",
        tags=TAGS,
        summary="List users",
        description="Newest first. As many queries for a hundred users as for one.",
        parameters=_LIST_PARAMETERS,
        responses=serializers.UserListOutput,
    )
    def get(self, request: Request) -> Response:
        """Return a page of users."""
        provider = request.query_params.get("provider", "").strip()
        limit = min(self._number("limit", DEFAULT_LIMIT), MAX_LIMIT)
        page = self._number("page", 1)
        found = directory.page_of_users(
            source=self.source, provider=provider, page=page, limit=limit, now=timezone.now()
        )
        meta = {
            "limit": limit,
            "page": page,
            "provider": provider,
            "source": self.source,
            "total": found.total,
        }
        items = serializers.UserOutput(found.users, many=True).data
        return Response({"items": items, "meta": meta})

    def _number(self, name: str, default: int) -> int:
        """Return a number from 1; anything else is the default, as the first API had it."""
        text = self.request.query_params.get(name, "").strip()
        if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
            return default
        return min(int(text), directory.MAX_PAGE) or default

    @extend_schema(
        operation_id="internal_users_upsert",
        tags=TAGS,
        summary="Make or renew a user",
        description="200 for both. A new user gets an API key, which is in this answer and "
        "nowhere else; a known one gets what the body says, and keeps its key and its status.",
        parameters=[IDEMPOTENCY],
        request=serializers.UserInput,
        responses=serializers.UserUpsertOutput,
        examples=[_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Make or renew a user."""
        form = serializers.UserInput(data=request.data)
        form.is_valid(raise_exception=True)
        named = form.validated_data.get("source", "")
        promise = promise_of(form.validated_data, source=source_of_row(self.service, named))

        def effect() -> Response:
            kept = partners.upsert(promise=promise, actor=self.actor, now=timezone.now())
            answer = {"user_id": promise.user_id, "api_key": kept.api_key, "note": NOTE}
            return Response(answer)

        return self.once(request, effect, secrets=("api_key",))


class UserDetail(UserView):
    """One user."""

    @extend_schema(
        operation_id="internal_users_retrieve",
        tags=TAGS,
        summary="Read a user",
        parameters=[SOURCE],
        responses=serializers.UserEnvelope,
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return the user."""
        return _shown(self.tenant(user_id))

    @extend_schema(
        operation_id="internal_users_update",
        tags=TAGS,
        summary="Change what a user may do",
        description="Replaces the whole of it: what is absent becomes the default. The service "
        "that a user belongs to never changes; `source` in the body only says which one is "
        "meant, for a key of every service.",
        parameters=[SOURCE],
        request=serializers.ContractInput,
        responses=serializers.UserUpdatedOutput,
    )
    def put(self, request: Request, user_id: str) -> Response:
        """Replace the user's contract."""
        form = serializers.ContractInput(data=request.data)
        form.is_valid(raise_exception=True)
        named = form.validated_data.get("source", "")
        if self.service.source:
            source_of_row(self.service, named)
        tenant = self.tenant(user_id, source=named)
        promise = promise_of({**form.validated_data, "user_id": user_id}, source=tenant.source)
        partners.replace(tenant=tenant, promise=promise, actor=self.actor, now=timezone.now())
        return Response({"message": "updated"})

    @extend_schema(
        operation_id="internal_users_delete",
        tags=TAGS,
        summary="Delete a user",
        description="Its keys and sessions stop at once; its data is purged after a grace, at "
        "`purge_at`. Until then `resume` takes the deletion back.",
        parameters=[SOURCE],
        responses={202: serializers.UserEnvelope},
    )
    def delete(self, request: Request, user_id: str) -> Response:
        """Schedule the deletion."""
        tenant = self.tenant(user_id)
        tenant = tenants.schedule_deletion(tenant=tenant, actor=self.actor, now=timezone.now())
        return _shown(tenant, status.HTTP_202_ACCEPTED)


class UserSuspend(UserView):
    """Stop a user without losing anything."""

    @extend_schema(
        operation_id="internal_users_suspend",
        tags=TAGS,
        summary="Suspend a user",
        description="Its sessions stop and its keys are refused; its data stays.",
        parameters=[SOURCE, IDEMPOTENCY],
        request=serializers.UserSuspendInput,
        responses=serializers.UserEnvelope,
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Suspend the user."""
        form = serializers.UserSuspendInput(data=request.data or {})
        form.is_valid(raise_exception=True)
        tenant = self.tenant(user_id)

        def effect() -> Response:
            changed = tenants.suspend(
                tenant=tenant,
                reason=form.validated_data["reason"],
                actor=self.actor,
                now=timezone.now(),
            )
            return _shown(changed)

        return self.once(request, effect)


class UserResume(UserView):
    """Let a user go on."""

    @extend_schema(
        operation_id="internal_users_resume",
        tags=TAGS,
        summary="Resume a user",
        description="Ends a suspension, or takes back a deletion that is not final yet; a user "
        "that was suspended before it was deleted is suspended again.",
        parameters=[SOURCE, IDEMPOTENCY],
        request=None,
        responses=serializers.UserEnvelope,
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Resume the user."""
        tenant = self.tenant(user_id)
        deleting = tenant.status == TenantStatus.DELETING
        service = tenants.cancel_deletion if deleting else tenants.resume

        def effect() -> Response:
            return _shown(service(tenant=tenant, actor=self.actor, now=timezone.now()))

        return self.once(request, effect)


def promise_of(fields: dict[str, Any], *, source: str) -> Promise:
    """Return the promise that validated input makes."""
    fields = {name: value for name, value in fields.items() if name != "source"}
    fields["provider"] = fields["provider"] or DEFAULT_PROVIDER
    return Promise(source=source, **fields)


def _shown(tenant: Tenant, status_code: int = status.HTTP_200_OK) -> Response:
    user = directory.describe(tenant, now=timezone.now())
    return Response({"user": serializers.UserOutput(user).data}, status_code)
