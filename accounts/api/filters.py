"""Which rows the lists of people, logins and archives show."""

from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import ExportStatus
from accounts.roles import Role

_Row = TypeVar("_Row", bound=Model)


class PeopleFilter(serializers.Serializer[Any]):
    """Query parameters that narrow a list of people."""

    role = serializers.ChoiceField(Role.choices, required=False, help_text="Only this role.")
    search = serializers.CharField(
        required=False, max_length=80, help_text="Part of the name or address, in any case."
    )


class ExportFilter(serializers.Serializer[Any]):
    """Query parameters that narrow a list of archives."""

    status = serializers.ChoiceField(
        ExportStatus.choices, required=False, help_text="Only this status."
    )


class LoginFilter(serializers.Serializer[Any]):
    """Query parameters that narrow a list of logins."""

    workspace = serializers.CharField(
        required=False,
        max_length=40,
        source="tenant__public_id",
        help_text="Only logins to the workspace with this id.",
    )


def narrow(
    rows: QuerySet[_Row], request: Request, shape: type[serializers.Serializer[Any]]
) -> QuerySet[_Row]:
    """Return what the query parameters leave of the rows.

    :raises rest_framework.exceptions.ValidationError: a parameter makes no sense.
    """
    return rows.filter(**_read(request, shape))


def people(rows: QuerySet[_Row], request: Request, *, searched: list[str]) -> QuerySet[_Row]:
    """Return those with the role and the text that were asked for.

    :param searched: the columns that the text may be part of.
    :raises rest_framework.exceptions.ValidationError: a parameter makes no sense.
    """
    wanted = _read(request, PeopleFilter)
    text = wanted.pop("search", "")
    found = [Q(**{f"{column}__icontains": text}) for column in searched]
    return rows.filter(reduce(or_, found) if text else Q(), **wanted)


def _read(request: Request, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    form = shape(data=request.query_params)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
