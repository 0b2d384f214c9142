import json

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from orsta.core import errors
from orsta.core.api import errors as problems


def answer(raised: Exception, method: str = "get") -> Response:
    class Failing(APIView):
        authentication_classes = ()
        permission_classes = ()

        def get(self, request):
            raise raised

    response = Failing.as_view()(getattr(APIRequestFactory(), method)("/x"))
    response.render()
    return response


class NoRoom(errors.Denied):
    """The plan is full."""

    code = "no_room"


@pytest.mark.parametrize(
    ("category", "status"),
    [
        (errors.Invalid, 400),
        (errors.Unauthenticated, 401),
        (errors.PaymentRequired, 402),
        (errors.Denied, 403),
        (errors.Missing, 404),
        (errors.Conflict, 409),
        (errors.Mismatch, 422),
        (errors.LimitReached, 429),
        (errors.UpstreamFailed, 502),
        (errors.Unavailable, 503),
    ],
)
def test_every_category_has_its_status(category, status):
    response = answer(category("A sentence."))

    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body == {
        "type": f"/docs/errors#{category.code}",
        "title": problems.TITLES[status],
        "status": status,
        "detail": "A sentence.",
        "error": "A sentence.",
        "code": category.code,
        "trace_id": body["trace_id"],
    }


def test_details_become_members():
    body = answer(NoRoom("The plan allows one.", limit=1, used=1)).data

    assert (body["code"], body["limit"], body["used"]) == ("no_room", 1, 1)


def test_a_limit_says_when_to_come_back():
    response = answer(errors.LimitReached("Slow down.", retry_after=7))

    assert response.headers["Retry-After"] == "7"
    assert "retry_after" not in response.data


def test_missing_credentials_name_the_scheme():
    response = answer(errors.Unauthenticated("Log in."))

    assert response.headers["WWW-Authenticate"] == 'Bearer realm="orsta"'


def test_bad_input_names_its_fields():
    response = answer(serializers.ValidationError({"to": ["Required."]}))

    assert response.status_code == 400
    assert response.data["code"] == "invalid_input"
    assert response.data["fields"] == {"to": ["Required."]}


def test_bad_input_of_no_field_is_listed_too():
    response = answer(serializers.ValidationError(["Too many."]))

    assert response.data["fields"] == {"non_field_errors": ["Too many."]}


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (exceptions.ParseError(), 400, "parse_error"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=3), 429, "throttled"),
    ],
)
def test_what_the_framework_raises_has_the_same_shape(raised, status, code):
    response = answer(raised)

    assert response.status_code == status
    assert (response.data["status"], response.data["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"


def test_headers_of_the_framework_survive():
    assert answer(exceptions.Throttled(wait=3)).headers["Retry-After"] == "3"


def test_a_wrong_method_is_a_problem_document_too():
    response = answer(errors.Missing("x"), method="post")

    assert (response.status_code, response.data["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_a_database_that_is_away_is_503_and_says_nothing_of_itself():
    response = answer(OperationalError("connection to server at 10.0.0.5 refused"))

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert "10.0.0.5" not in response.content.decode()


def test_what_nobody_anticipated_stays_an_exception():
    with pytest.raises(ZeroDivisionError):
        answer(ZeroDivisionError())


def test_the_catalog_lists_every_code_once_with_its_meaning():
    rows = {row.code: row for row in problems.catalog()}

    assert rows["no_room"] == problems.Code("no_room", 403, "Not allowed", "The plan is full.")
    assert rows["bad_cursor"].status == 400
    assert rows["throttled"].status == 429
    assert len(rows) == len(problems.catalog())
    assert all(row.meaning for row in rows.values())
