"""`/billing`: turn the API key on and off, and see what it cost.

For people: a key can't buy, only a login token may spend money.
"""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors as accounts_selectors
from accounts.api.base import PersonAPIView
from accounts.services import keys
from billing import selectors
from billing.api import serializers
from billing.services import answers, payments
from orsta.core.api import idempotency
from orsta.core.api.schema import IDEMPOTENCY

_LOGIN: Any = [{"bearer": []}, {"cookie": []}]  # as `PersonAPIView` lets in


class EnableApiKey(PersonAPIView):
    """Pay for the API key and turn it on."""

    required_scope = {"POST": "billing:write"}

    @extend_schema(
        request=serializers.EnableApiKeyInput,
        responses=serializers.EnableApiKeyOutput,
        parameters=[IDEMPOTENCY],
        auth=_LOGIN,
        tags=["billing"],
    )
    def post(self, request: Request) -> Response:
        """Charge the plan's price once and turn the key on; free within a paid period.

        402 the payment was declined, 409 an earlier one is under way, 422 another amount than
        the price, 503 the provider did not answer: it settles by itself within minutes.
        """
        form = serializers.EnableApiKeyInput(data=request.data)
        form.is_valid(raise_exception=True)
        activation = payments.enable_api_key(
            tenant=self.tenant,
            user=self.person,
            idempotency_key=idempotency.key_of(request),
            fingerprint=idempotency.fingerprint(request),
            now=timezone.now(),
            **form.validated_data,
        )
        headers = {idempotency.REPLAYED: "true"} if activation.replayed else None
        return Response(serializers.EnableApiKeyOutput(activation).data, headers=headers)

    def handle_exception(self, exc: Exception) -> Response:
        """Flag a decline that is only repeated, like any replayed answer."""
        response = super().handle_exception(exc)
        if isinstance(exc, answers.PaymentDeclined) and exc.replayed:
            response.headers[idempotency.REPLAYED] = "true"
        return response


class DisableApiKey(PersonAPIView):
    """Turn the API key off."""

    required_scope = {"POST": "billing:write"}

    @extend_schema(
        request=None,
        responses=serializers.DisableApiKeyOutput,
        parameters=[IDEMPOTENCY],
        auth=_LOGIN,
        tags=["billing"],
    )
    def post(self, request: Request) -> Response:
        """Turn the key off everywhere, open sockets included; the paid period goes on."""
        return self.once(request, self._disable)

    def _disable(self) -> Response:
        keys.deactivate(tenant=self.tenant, now=timezone.now(), actor=self.person.public_id)
        body = {"ok": True, "message": "API key deactivated"}
        return Response(serializers.DisableApiKeyOutput(body).data)


class ApiKeyStatusView(PersonAPIView):
    """Whether the API key is on."""

    required_scope = {"GET": "billing:read"}

    @extend_schema(responses=serializers.ApiKeyStatusOutput, auth=_LOGIN, tags=["billing"])
    def get(self, request: Request) -> Response:
        """Return the key's state and what may be shown of it."""
        key = accounts_selectors.current_api_key(tenant=self.tenant)
        body = {
            "active": key is not None and self.tenant.api_enabled,
            "api_key": accounts_selectors.masked_key(key) if key else None,
        }
        return Response(serializers.ApiKeyStatusOutput(body).data)


class BillingSummary(PersonAPIView):
    """What the tenant paid."""

    required_scope = {"GET": "billing:read"}

    @extend_schema(responses=serializers.BillingSummaryOutput, auth=_LOGIN, tags=["billing"])
    def get(self, request: Request) -> Response:
        """Return the last charge, the total and the average per hour."""
        summary = selectors.summary(tenant=self.tenant, now=timezone.now())
        return Response(serializers.BillingSummaryOutput(summary).data)
