"""`/v1/me`, `/v1/usage` and `/v1/plans`: what the caller's workspace has, and could have."""

from dataclasses import asdict
from datetime import UTC
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import TenantAPIView
from accounts.models import Tenant
from subscriptions import selectors
from subscriptions.api import serializers
from subscriptions.entitlements import Entitlements
from subscriptions.models import Feature, Plan, Subscription
from subscriptions.selectors import FeatureUsage
from subscriptions.services import lifecycle

_TAGS = ["workspace"]
_SCOPE = {"GET": "tenant:read"}


DAYS = OpenApiParameter(
    "days",
    OpenApiTypes.INT,
    description=f"How far back: 1 to {serializers.MAX_DAYS}, 30 if absent.",
)


class Me(TenantAPIView):
    """Whom the caller acts for."""

    required_scope = _SCOPE

    @extend_schema(
        operation_id="me",
        tags=_TAGS,
        summary="Read your workspace and its subscription",
        description="A subscription that is over is shown as what it is; nothing is refused.",
        responses=serializers.MeOutput,
    )
    def get(self, request: Request) -> Response:
        """Return the workspace, what it pays for and how much of it is taken."""
        tenant, now = self.tenant, timezone.now()
        lifecycle.catch_up(tenant=tenant, now=now)
        entitlements = selectors.entitlements_for(tenant=tenant, now=now)
        subscription = selectors.subscription_of(tenant)
        usage = selectors.usage_of(tenant=tenant, entitlements=entitlements)
        body = {
            "user": _user(tenant),
            "subscription": _subscription(subscription, tenant, entitlements),
            "entitlements": {
                "active": entitlements.active,
                "rate_class": entitlements.rate_class,
                "limits": {name.lower(): entitlements.limit(name) for name in Feature.values},
            },
            "usage": [_usage(row) for row in usage],
        }
        return Response(serializers.MeOutput(body).data)


class Usage(TenantAPIView):
    """How much of the plan is taken."""

    required_scope = _SCOPE

    @extend_schema(
        operation_id="usage",
        tags=_TAGS,
        summary="Read usage, now and per day",
        parameters=[DAYS],
        responses=serializers.UsageOutput,
    )
    def get(self, request: Request) -> Response:
        """Return what is taken of every counted feature."""
        return Response(serializers.UsageOutput(usage_of(self.tenant, request)).data)


class Plans(TenantAPIView):
    """What can be bought."""

    required_scope = _SCOPE

    @extend_schema(
        operation_id="plans",
        tags=_TAGS,
        summary="List the plans",
        description="All that are for sale, cheapest first; there are few, so in one page.",
        responses=serializers.PlanListOutput,
    )
    def get(self, request: Request) -> Response:
        """Return the plans and mark the workspace's own."""
        entitlements = selectors.entitlements_for(tenant=self.tenant, now=timezone.now())
        plans = [
            _plan(plan, is_current=entitlements.active and plan.code == entitlements.plan_code)
            for plan in selectors.plans_for_sale()
        ]
        return Response(serializers.PlanListOutput({"plans": plans}).data)


def usage_of(tenant: Tenant, request: Request) -> dict[str, Any]:
    """Return what a tenant takes of every counted feature, for as far back as was asked."""
    form = serializers.UsageInput(data=request.query_params)
    form.is_valid(raise_exception=True)
    now = timezone.now()
    entitlements = selectors.entitlements_for(tenant=tenant, now=now)
    usage = selectors.usage_of(tenant=tenant, entitlements=entitlements)
    days = selectors.usages_by_day(
        tenant=tenant,
        features=[row.feature for row in usage],
        until=now.astimezone(UTC).date(),
        days=form.validated_data["days"],
    )
    return {
        "period_starts_at": entitlements.period_starts_at,
        "period_ends_at": entitlements.period_ends_at,
        "features": [_usage(row) | {"days": days[row.feature]} for row in usage],
    }


def _user(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": _name_of(tenant),
        "tenant_id": tenant.public_id,
        "name": tenant.name,
        "source_service": tenant.source,
        "created_by": tenant.created_by,
        "status": tenant.status.lower(),
        "created_at": tenant.created_at,
        "updated_at": tenant.updated_at,
    }


def _subscription(
    subscription: Subscription | None, tenant: Tenant, entitlements: Entitlements
) -> dict[str, Any] | None:
    if subscription is None:
        return None
    return {
        "id": subscription.public_id,
        "user_id": _name_of(tenant),
        "provider": subscription.provider,
        "plan": entitlements.plan_code,
        "status": entitlements.status.lower(),
        "max_sessions": entitlements.limits.get(Feature.SESSIONS, 0),
        "max_messages": entitlements.limits.get(Feature.MESSAGES, 0) or 0,
        "starts_at": subscription.starts_at,
        "expires_at": subscription.ends_at,
        "stops_at": subscription.span.stops_at,
        "cancel_at_end": subscription.cancel_at_end,
        "created_at": subscription.created_at,
        "updated_at": subscription.updated_at,
    }


def _name_of(tenant: Tenant) -> str:
    return tenant.external_id or tenant.public_id


def _usage(row: FeatureUsage) -> dict[str, Any]:
    return asdict(row) | {"feature": row.feature.lower()}


def _plan(plan: Plan, *, is_current: bool) -> dict[str, Any]:
    return {
        "code": plan.code,
        "name": plan.name,
        "price_minor": plan.price_minor,
        "currency": plan.currency,
        "period_days": plan.period_days,
        "grace_days": plan.grace_days,
        "rate_class": plan.rate_class,
        "is_default": plan.is_default,
        "is_current": is_current,
        "limits": {row.feature.lower(): row.limit for row in plan.entitlements.all()},
    }
