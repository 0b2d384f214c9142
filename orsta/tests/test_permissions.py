"""The permission table, walked: for every route and every method, everybody who may call.

A route or a method that is missing from the table fails; so does one that answers anybody
else than the table and the roles say.
"""

from typing import Any

import pytest

from orsta.tests.permission_row import (
    BAD,
    METHODS,
    ROLES,
    SESSION,
    STRANGERS,
    Row,
    S,
    answer_of,
)
from orsta.tests.permission_table import TABLE, call, callers, rows, without_trace
from orsta.tests.routes import routes
from orsta.tests.world import CODE, UNKNOWN, World, make_world, taken_back

pytestmark = pytest.mark.django_db


def test_every_route_is_in_the_table():
    assert sorted(set(routes())) == sorted({row.route for row in TABLE})


@pytest.mark.parametrize("route", sorted({row.route for row in TABLE}))
def test_a_method_that_is_not_in_the_table_is_refused(route):
    world = make_world()
    listed = {row.method for row in TABLE if row.route == route}
    page = any(row.kind == "page" for row in TABLE if row.route == route)
    client = world.client("service" if route.startswith("internal/") else "owner", browser=page)
    path = Row("", "", route).path(world)

    answers = {
        method: client.generic(method, path, "{}", content_type="application/json").status_code
        for method in METHODS
        if method not in listed
    }

    assert answers == dict.fromkeys(answers, 405)


@rows("tenant", "person")
def test_every_operation_of_a_tenant_asks_for_a_scope(row):
    assert row.scope


@rows("public")
def test_public_operations_ask_nobody_who_they_are(row):
    world = make_world()
    callers = ("nobody", "owner", "stranger", "wrong key", "service", "logged out")

    answers = {caller: _undone(row, world, caller).status_code for caller in callers}

    assert answers == dict.fromkeys(callers, row.ok) | row.but


@rows("tenant", "person")
def test_everybody_may_what_the_roles_and_keys_give_and_nothing_else(row, settings):
    settings.ORSTA_REQUIRE_VERIFIED_EMAIL = True
    world = make_world(row.status, paid=row.paid)
    expected = row.of_people | row.of_programs
    world.introduce(*expected)
    before = world.snapshot()
    refused = [caller for caller, answer in expected.items() if answer != row.good]

    answers = {caller: answer_of(call(row, world, caller)) for caller in refused}

    assert world.snapshot() == before
    allowed = [caller for caller in expected if caller not in refused]
    answers |= {caller: answer_of(_undone(row, world, caller)) for caller in allowed}
    assert answers == expected


def _undone(row: Row, world: World, caller: str) -> Any:
    """Return the response that the caller gets, and take back what that changed."""
    with taken_back():
        return call(row, world, caller)


@rows("tenant", "person")
def test_credentials_that_open_nothing_open_nothing(row):
    world = make_world(row.status, paid=row.paid)
    bad = (*BAD, "service")
    world.introduce(*bad)
    before = world.snapshot()

    responses = [call(row, world, caller) for caller in bad]

    assert [response.status_code for response in responses] == [401] * len(bad)
    for response in responses:
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="orsta"'
    assert world.snapshot() == before


@rows("tenant", with_id=True)
@callers(*STRANGERS, "bound key")
def test_a_session_out_of_reach_is_as_unknown_as_any(row, caller):
    world = make_world(row.status)

    foreign = call(row, world, caller)
    unknown = call(row, world, caller, session_id=UNKNOWN)

    assert without_trace(foreign) == without_trace(unknown)


@rows("tenant", "person", with_id=False)
def test_a_stranger_sees_and_changes_only_what_is_its_own(row):
    world = make_world(paid=row.paid)
    before = world.snapshot(world.acme)

    response = call(row, world, "stranger")

    usual = 404 if row.names_something else row.ok
    assert response.status_code == row.but.get("stranger", usual)
    written = response.content.decode()
    assert world.session.public_id not in written
    assert world.acme.public_id not in written
    assert world.snapshot(world.acme) == before


@pytest.mark.parametrize("path", [f"{SESSION}/messages/<str:message_id>"])
def test_a_message_is_not_found_through_a_session_of_ones_own(path):
    world = make_world()
    row = Row("tenant", "GET", path)

    response = call(row, world, "stranger", session_id=world.strangers_session.public_id)

    assert response.status_code == 404
    assert "for Acme's eyes" not in response.content.decode()


@rows("tenant", with_id=True)
def test_a_strange_id_is_only_unknown(row):
    world = make_world()
    ids = ["%00", "ses_%00", "x" * 500, "%F0%9F%98%80", "1", "%2e%2e"]

    answers = {name: call(row, world, "owner", session_id=name).status_code for name in ids}

    assert set(answers.values()) <= {404, 405}, answers


@rows("service")
def test_sibling_services_may(row):
    world = make_world(row.status)

    answers = [_undone(row, world, caller) for caller in ("service", "scoped service")]

    assert [answer.status_code for answer in answers] == [row.ok] * 2


@rows("service")
def test_customers_are_no_sibling_services(row):
    world = make_world(row.status)
    customers = {*ROLES, "key", *STRANGERS, *BAD} - {"service key as key"}
    world.introduce(*customers)
    before = world.snapshot()

    answers = {caller: call(row, world, caller).status_code for caller in customers}

    assert answers == dict.fromkeys(customers, 401)
    assert world.snapshot() == before


@rows("service")
def test_g4_a_service_finds_nothing_of_another(row):
    world = make_world(row.status)
    before = world.snapshot()

    response = call(row, world, "foreign service")

    # A body that names another's source is refused before anybody is looked for.
    hidden = 403 if "source" in (row.body or {}) else 404
    assert response.status_code in ({hidden} if row.names_something else {row.ok, 403})
    assert world.ids["user_id"] not in response.content.decode()
    assert world.snapshot() == before


@rows("page")
def test_members_see_the_pages_of_their_role(row):
    world = make_world(row.status)
    expected = {role: status for role, (status, _) in row.of_people.items() if role in ROLES}

    assert {role: _undone(row, world, role).status_code for role in ROLES} == expected


@rows("page")
@callers("nobody", "logged out")
def test_pages_send_everybody_else_to_the_login(row, caller):
    world = make_world()
    world.introduce(caller)
    before = world.snapshot()

    response = call(row, world, caller)

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/console/login")
    assert world.snapshot() == before


@rows("page")
def test_pages_take_no_api_key(row):
    world = make_world()
    client = world.client("key")

    response = getattr(client, row.method.lower())(row.path(world))

    assert response.status_code == 302


@rows("page", with_id=True)
def test_a_page_of_another_tenants_session_is_as_unknown_as_any(row):
    world = make_world()

    foreign = call(row, world, "stranger")
    unknown = call(row, world, "stranger", session_id=UNKNOWN)

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert world.session.name not in foreign.content.decode()


@rows("page", with_id=False)
def test_a_strangers_pages_show_nothing_of_another_tenant(row):
    world = make_world(row.status)

    written = call(row, world, "stranger").content.decode()

    assert world.session.public_id not in written
    assert world.acme.public_id not in written


def test_the_code_to_scan_is_for_its_tenant_alone():
    world = make_world(S.PAIRING)
    row = Row("tenant", "GET", f"{SESSION}/qr")

    assert call(row, world, "key").json()["qr"] == CODE
    for caller in (*STRANGERS, *BAD, "bound key", "narrow key", "distant key"):
        assert "secret-of-alice" not in call(row, world, caller).content.decode()


@rows("page", writes=True)
def test_b12_a_forged_form_changes_nothing(row):
    """A page elsewhere can make a browser post here, cookie and all, but has no token."""
    world = make_world()
    client = world.client("owner", browser=True)
    client.handler.enforce_csrf_checks = True
    before = world.snapshot()

    assert client.post(row.path(world), row.body).status_code == 403
    assert world.snapshot() == before


@rows("tenant", "person", writes=True)
def test_b12_a_cookie_alone_changes_nothing(row):
    world = make_world(row.status, paid=row.paid)
    client = world.client("owner", browser=True)
    client.handler.enforce_csrf_checks = True
    before = world.snapshot()

    response = client.generic(
        row.method, row.path(world), "{}", content_type="application/json"
    )

    assert answer_of(response) == (403, "csrf_failed")
    assert world.snapshot() == before


@rows("tenant", "person", "service")
def test_b11_no_other_origin_may_read_an_answer(row):
    world = make_world(row.status, paid=row.paid)
    client = world.client("service" if row.kind == "service" else "owner")

    response = client.options(row.path(world), headers={"Origin": "https://evil.example"})

    assert not [name for name in response.headers if name.startswith("Access-Control")]


@rows("tenant", "person", "service")
def test_every_answer_of_the_api_says_what_is_left(row):
    world = make_world(row.status, paid=row.paid)
    caller = "service" if row.kind == "service" else "owner"

    response = call(row, world, caller)

    assert response.headers["RateLimit-Policy"]
    assert response.headers["RateLimit"]
