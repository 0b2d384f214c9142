"""The API's description: clean, complete, and the one in docs/openapi.yaml."""

import io

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command

from orsta.tests.permission_table import TABLE
from orsta.tests.routes import routes

SNAPSHOT = settings.BASE_DIR / "docs" / "openapi.yaml"
API = ("auth/", "billing/", "internal/", "v1/")


@pytest.fixture(scope="module")
def generated() -> str:
    """Generate the description; a warning is an error."""
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def schema(generated):
    return yaml.safe_load(generated)


def operations(schema):
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_snapshot_is_up_to_date(generated):
    assert SNAPSHOT.read_text() == generated, "run `make schema`"


def test_every_route_of_the_api_is_described(schema):
    described = {
        path.lstrip("/").replace("{", "<str:").replace("}", ">") for path in schema["paths"]
    }

    assert described == {route for route in set(routes()) if route.startswith(API)}


def test_every_operation_has_a_name_a_summary_and_the_problem_document(schema):
    names = [operation["operationId"] for _, operation in operations(schema)]
    assert len(set(names)) == len(names)
    for name, operation in operations(schema):
        assert operation.get("summary") or operation.get("description"), name
        problem = operation["responses"]["default"]["content"]["application/problem+json"]
        assert problem["schema"]["$ref"] == "#/components/schemas/Problem", name


def test_every_operation_says_how_to_authenticate(schema):
    public = {f"{row.method} /{row.route}" for row in TABLE if row.kind == "public"}

    for name, operation in operations(schema):
        nobody_may = {} in operation.get("security", [{}])
        assert nobody_may == (name in public), name


def test_what_accepts_work_takes_an_idempotency_key(schema):
    missing = [
        name
        for name, operation in operations(schema)
        if name.startswith("POST")
        # A login that is asked for twice is two logins; the others there repeat safely.
        and (not name.startswith("POST /auth/") or name == "POST /auth/signup")
        and name != "POST /v1/sessions/{session_id}/qr"  # it waits, and asks for nothing twice
        and "Idempotency-Key" not in {p["name"] for p in operation.get("parameters", [])}
    ]

    assert missing == []


def test_every_answer_tells_of_the_limits_and_every_refusal_when_to_come_back(schema):
    assert set(schema["components"]["headers"]) == {
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
    }
    for name, operation in operations(schema):
        for status, answer in operation["responses"].items():
            expected = {"RateLimit", "RateLimit-Policy"}
            if status == "default":
                expected.add("Retry-After")
            assert expected <= set(answer["headers"]), (name, status)
