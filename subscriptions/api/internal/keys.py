"""`/internal/users/{id}/apikey`: what may be told of a key, and a new one."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import keys as formats
from accounts.models import Tenant
from accounts.services import keys
from orsta.core.api.schema import IDEMPOTENCY
from subscriptions import directory
from subscriptions.api.internal import serializers
from subscriptions.api.internal.base import SOURCE, TAGS, UserView

_NOTE = "An API key can't be read again: it is stored as a digest."
_NONE: dict[str, Any] = {
    "prefix": "",
    "hint": "",
    "scopes": [],
    "created_at": None,
    "rotated_at": None,
    "last_used_at": None,
    "expires_at": None,
}


class UserKey(UserView):
    """The key that a user's programs use."""

    @extend_schema(
        operation_id="internal_users_key",
        tags=TAGS,
        summary="Read about a user's API key",
        description="All but the key itself; of several the oldest that works.",
        parameters=[SOURCE],
        responses=serializers.UserKeyOutput,
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return what may be told of the key."""
        facts = directory.key_of(self.tenant(user_id))
        shown = {"user_id": user_id, "note": _NOTE} | (_facts(facts) if facts else _NONE)
        return Response(serializers.UserKeyOutput(shown).data)


class UserKeyRotate(UserView):
    """A new key in place of the old one."""

    @extend_schema(
        operation_id="internal_users_key_rotate",
        tags=TAGS,
        summary="Rotate a user's API key",
        description="The new key is in this answer and nowhere else. The old one ends at once, "
        "or after `overlap_hours`. A user whose keys were all revoked gets a first one again.",
        parameters=[SOURCE, IDEMPOTENCY],
        request=serializers.UserKeyRotateInput,
        responses=serializers.UserKeyRotatedOutput,
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Rotate the key."""
        form = serializers.UserKeyRotateInput(data=request.data or {})
        form.is_valid(raise_exception=True)
        tenant = self.tenant(user_id)
        overlap = timedelta(hours=form.validated_data["overlap_hours"])

        def effect() -> Response:
            issued = self._rotate(tenant, overlap)
            return Response({"user_id": user_id, "api_key": issued.text})

        return self.once(request, effect, secrets=("api_key",))

    def _rotate(self, tenant: Tenant, overlap: timedelta) -> keys.IssuedKey:
        facts, now = directory.key_of(tenant), timezone.now()
        if facts is None:
            return keys.issue(tenant=tenant, user=None, now=now, actor=self.actor)
        return keys.rotate(key=facts.key, user=None, now=now, overlap=overlap, actor=self.actor)


def _facts(facts: directory.KeyFacts) -> dict[str, Any]:
    key = facts.key
    return {
        "prefix": f"{formats.KeyType.API_KEY}_{key.key_id}",
        "hint": key.hint,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "rotated_at": key.created_at if facts.replaced else None,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
    }
