"""Which sessions a list shows."""

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from sessions_app.api.serializers import Plain
from sessions_app.models import Session
from sessions_app.states import SessionStatus

PARAMETERS = [
    OpenApiParameter(
        "status", OpenApiTypes.STR, enum=SessionStatus.values, description="Only this status."
    ),
    OpenApiParameter("engine", OpenApiTypes.STR, description="Only this engine."),
    OpenApiParameter("search", OpenApiTypes.STR, description="Part of the name, in any case."),
]


class SessionFilter(Plain):
    """The query parameters that narrow the list."""

    status = serializers.ChoiceField(SessionStatus.choices, required=False)
    engine = serializers.CharField(required=False, max_length=16, source="engine__exact")
    search = serializers.CharField(required=False, max_length=80, source="name__icontains")


def narrow(sessions: QuerySet[Session], request: Request) -> QuerySet[Session]:
    """Return what the request's query parameters leave of the sessions.

    :raises rest_framework.exceptions.ValidationError: a parameter makes no sense.
    """
    form = SessionFilter(data=request.query_params)
    form.is_valid(raise_exception=True)
    return sessions.filter(**form.validated_data)
