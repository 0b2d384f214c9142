"""`/internal/users/{id}/usage`: how much of its plan a user takes."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from subscriptions.api import views
from subscriptions.api.internal.base import SOURCE, TAGS, UserView
from subscriptions.api.serializers import UsageOutput


class UserUsageOutput(UsageOutput):
    """A user's usage now and on the days before."""

    user_id = serializers.CharField()


class UserUsage(UserView):
    """How much of its plan a user takes."""

    @extend_schema(
        operation_id="internal_users_usage",
        tags=TAGS,
        summary="Read a user's usage",
        description="What is taken now of everything that the plan counts, and per day.",
        parameters=[SOURCE, views.DAYS],
        responses=UserUsageOutput,
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return the usage."""
        usage = views.usage_of(self.tenant(user_id), request)
        return Response(UserUsageOutput({"user_id": user_id, **usage}).data)
