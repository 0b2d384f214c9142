"""Whatever the description allows, and what it does not: the API never fails on its side."""

import re
from contextlib import suppress
from datetime import timedelta

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode

from orsta.tests.permission_table import TABLE
from orsta.tests.world import World, make_world, taken_back
from orsta.wsgi import application

pytestmark = pytest.mark.django_db
API = ("auth/", "billing/", "internal/", "v1/")
_NAMES = re.compile(r"{(\w+)}")
EXAMPLES = 10  # of each kind per operation: all of them take less than a minute
OPERATIONS = sorted(
    (re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{row.route}"), row.method)
    for row in TABLE
    if row.route.startswith(API)
    and row.route != "internal/users/bulk"  # it takes NDJSON, which the library cannot write
)


@pytest.fixture(scope="module")
def described(django_db_setup, django_db_blocker):
    """Return the API as it describes itself now, served in this process."""
    with django_db_blocker.unblock():  # what serves a request looks at the connections
        return schemathesis.openapi.from_wsgi("/schema", application)


@pytest.fixture(autouse=True)
def _one_connection():
    """Serve on the test's own connection, which Django would close with each request."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def world(settings) -> World:
    """Return a tenant with everything; nothing is too much."""
    settings.ORSTA_LIMITS = dict.fromkeys(settings.ORSTA_LIMITS, "1000000/60")
    made = make_world()
    made.introduce("owner", "service")
    return made


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_breaks_the_service(described, world, path, method, mode):
    caller = "service" if path.startswith("/internal") else "owner"
    requests = described[path][method].as_strategy(generation_mode=mode)

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=timedelta(seconds=10),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=requests, exists=st.booleans())
    def attempt(case, exists):
        """Name in the path what is there half of the time; take back what was changed."""
        if exists:
            case.path_parameters = {name: world.ids[name] for name in _NAMES.findall(path)}
        with taken_back():
            response = case.call(headers=world.headers[caller])
        case.validate_response(response, checks=[not_a_server_error])

    # Some operations take nothing that could be wrong.
    with suppress(*[Unsatisfiable] if mode is GenerationMode.NEGATIVE else []):
        attempt()
