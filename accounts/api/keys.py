"""`/v1/api-keys`: for people alone; no key makes another."""

from datetime import timedelta
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import key_limits, selectors
from accounts.api import key_serializers as serializers
from accounts.api.base import PersonAPIView
from accounts.models import ApiKey
from accounts.services import keys
from orsta.core.api.pagination import PARAMETERS, paginate
from orsta.core.api.schema import IDEMPOTENCY

TAGS = ["API keys"]
_SECRETS = ("api_key",)


class KeyList(PersonAPIView):
    """The workspace's API keys."""

    required_scope: ClassVar = {"GET": "keys:read", "POST": "keys:write"}

    @extend_schema(
        operation_id="api_keys_list",
        tags=TAGS,
        summary="List the API keys",
        parameters=[serializers.KeyFilters, *PARAMETERS],
        responses=serializers.KeyPage,
    )
    def get(self, request: Request) -> Response:
        """Return a page of the keys, newest first."""
        form = serializers.KeyFilters(data=request.query_params)
        form.is_valid(raise_exception=True)
        rows = selectors.keys_in_state(
            self.tenant, form.validated_data.get("state", ""), now=timezone.now()
        )
        page = paginate(rows, request)
        shown = serializers.KeyOutput(page.items, many=True).data
        return Response({"keys": shown, "next_cursor": page.next_cursor})

    @extend_schema(
        operation_id="api_keys_create",
        tags=TAGS,
        summary="Make an API key",
        description=f"A workspace has up to {keys.MAX_LIVING} living keys. The answer has the "
        "key in full, once: we keep a digest of it.",
        parameters=[IDEMPOTENCY],
        request=serializers.KeyInput,
        responses={201: serializers.NewKey},
    )
    def post(self, request: Request) -> Response:
        """Make a key."""
        form = serializers.KeyInput(data=request.data)
        form.is_valid(raise_exception=True)
        limits = {"scopes": key_limits.grantable(self.principal.scopes), **form.validated_data}
        return self.once(request, lambda: self._issue(limits), secrets=_SECRETS)

    def _issue(self, limits: dict[str, Any]) -> Response:
        issued = keys.issue(
            tenant=self.tenant,
            user=self.person,
            granter=self.principal.scopes,
            now=timezone.now(),
            **limits,
        )
        return _made(issued)


class KeyDetail(PersonAPIView):
    """One API key."""

    required_scope: ClassVar = {
        "GET": "keys:read",
        "PATCH": "keys:write",
        "DELETE": "keys:write",
    }

    @extend_schema(
        operation_id="api_keys_get",
        tags=TAGS,
        summary="Get an API key",
        responses=serializers.KeyEnvelope,
    )
    def get(self, request: Request, key_id: str) -> Response:
        """Return what is known of a key, also of a revoked one."""
        return _show(selectors.api_key_of(self.tenant, key_id))

    @extend_schema(
        operation_id="api_keys_update",
        tags=TAGS,
        summary="Change an API key",
        description="Its name and limits change at once; open sockets are closed within "
        "seconds and come back with what the key may then do.",
        request=serializers.KeyChange,
        responses=serializers.KeyEnvelope,
    )
    def patch(self, request: Request, key_id: str) -> Response:
        """Change the name or the limits."""
        form = serializers.KeyChange(data=request.data)
        form.is_valid(raise_exception=True)
        changed = keys.change(
            key=selectors.api_key_of(self.tenant, key_id),
            granter=self.principal.scopes,
            actor=self.person.public_id,
            now=timezone.now(),
            **form.validated_data,
        )
        return _show(changed)

    @extend_schema(
        operation_id="api_keys_revoke",
        tags=TAGS,
        summary="Revoke an API key",
        description="It stops working everywhere within five seconds, sockets included.",
        responses=serializers.KeyEnvelope,
    )
    def delete(self, request: Request, key_id: str) -> Response:
        """End the key for good; a revoked one stays as it is."""
        key = selectors.api_key_of(self.tenant, key_id)
        keys.revoke(key=key, actor=self.person.public_id, now=timezone.now())
        return _show(selectors.api_key_of(self.tenant, key_id))


class KeyRotation(PersonAPIView):
    """A key's successor."""

    required_scope: ClassVar = {"POST": "keys:write"}

    @extend_schema(
        operation_id="api_keys_rotate",
        tags=TAGS,
        summary="Replace an API key",
        description="The new key may do what the old one may. Both work during the overlap.",
        parameters=[IDEMPOTENCY],
        request=serializers.RotationInput,
        responses={201: serializers.NewKey},
    )
    def post(self, request: Request, key_id: str) -> Response:
        """Make the successor and let the old key end."""
        form = serializers.RotationInput(data=request.data)
        form.is_valid(raise_exception=True)
        overlap = timedelta(hours=form.validated_data["overlap_hours"])
        return self.once(request, lambda: self._rotate(key_id, overlap), secrets=_SECRETS)

    def _rotate(self, key_id: str, overlap: timedelta) -> Response:
        issued = keys.rotate(
            key=selectors.api_key_of(self.tenant, key_id),
            user=self.person,
            overlap=overlap,
            granter=self.principal.scopes,
            now=timezone.now(),
        )
        return _made(issued)


def _made(issued: keys.IssuedKey) -> Response:
    shown = serializers.KeyOutput(issued.row).data
    body = {"api_key": issued.text, "key": shown}
    return Response(body, status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


def _show(key: ApiKey) -> Response:
    return Response({"key": serializers.KeyOutput(key).data})
