"""Which rows a list shows."""

from typing import TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from sessions_app.api.serializers import HELD, Plain
from sessions_app.models import Session
from sessions_app.states import Hold, SessionStatus

_Row = TypeVar("_Row", bound=Model)

SPAN = [
    OpenApiParameter(
        "since", OpenApiTypes.DATETIME, description="Only what came at this moment or later."
    ),
    OpenApiParameter(
        "until", OpenApiTypes.DATETIME, description="Only what came before this moment."
    ),
]
PARAMETERS = [
    OpenApiParameter(
        "status", OpenApiTypes.STR, enum=SessionStatus.values, description="Only this status."
    ),
    OpenApiParameter("engine", OpenApiTypes.STR, description="Only this engine."),
    OpenApiParameter(
        "hold",
        OpenApiTypes.STR,
        enum=[*Hold.values, HELD],
        description=f"Only those held for this reason, or for any reason: {HELD}.",
    ),
    OpenApiParameter("name", OpenApiTypes.STR, description="Exactly this name."),
    OpenApiParameter("search", OpenApiTypes.STR, description="Part of the name, in any case."),
    *SPAN,
]


class Span(Plain):
    """A stretch of time: [since, until)."""

    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class SessionFilter(Plain):
    """The query parameters that narrow the list."""

    status = serializers.ChoiceField(SessionStatus.choices, required=False)
    engine = serializers.CharField(required=False, max_length=16, source="engine__exact")
    hold = serializers.ChoiceField([*Hold.values, HELD], required=False)
    name = serializers.CharField(required=False, max_length=80, source="name__exact")
    search = serializers.CharField(required=False, max_length=80, source="name__icontains")


def narrow(sessions: QuerySet[Session], request: Request) -> QuerySet[Session]:
    """Return what the request's query parameters leave of the sessions.

    :raises rest_framework.exceptions.ValidationError: a parameter makes no sense.
    """
    form = SessionFilter(data=request.query_params)
    form.is_valid(raise_exception=True)
    wanted = form.validated_data
    if wanted.get("hold") == HELD:
        del wanted["hold"]
        sessions = sessions.exclude(hold="")
    return within(sessions.filter(**wanted), request, column="created_at")


def within(rows: QuerySet[_Row], request: Request, *, column: str) -> QuerySet[_Row]:
    """Return the rows whose `column` is in the span that the request asks for.

    :raises rest_framework.exceptions.ValidationError: a parameter is no date and time.
    """
    form = Span(data=request.query_params)
    form.is_valid(raise_exception=True)
    bounds = {"since": f"{column}__gte", "until": f"{column}__lt"}
    return rows.filter(**{bounds[name]: at for name, at in form.validated_data.items()})
