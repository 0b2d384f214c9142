"""The permission table, walked: for every route and every method, everybody who may call.

A route or a method that is missing from the table fails; so does one that answers anybody
else than the table says.
"""

import pytest

from orsta.tests.permission_table import (
    BAD,
    METHODS,
    PEOPLE,
    SESSION,
    STRANGERS,
    TABLE,
    TENANT,
    Row,
    S,
    call,
    callers,
    rows,
    without_trace,
)
from orsta.tests.world import CODE, UNKNOWN, make_world, routes

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


@rows("public")
@callers("nobody", "owner", "stranger", "wrong key", "service", "logged out")
def test_public_operations_ask_nobody_who_they_are(row, caller):
    assert call(row, make_world(), caller).status_code == row.ok


@rows("tenant")
@callers(*TENANT)
def test_a_tenants_people_and_programs_may(row, caller):
    world = make_world(row.status, paid=row.paid)

    assert call(row, world, caller).status_code == row.ok


@rows("person")
@callers(*PEOPLE)
def test_people_may_spend_money(row, caller):
    assert call(row, make_world(paid=row.paid), caller).status_code == row.ok


@rows("person")
@callers("key", "stranger's key")
def test_programs_may_not(row, caller):
    world = make_world(paid=row.paid)
    before = world.snapshot()

    response = call(row, world, caller)

    assert (response.status_code, response.json()["code"]) == (403, "login_required")
    assert world.snapshot() == before


@rows("tenant", "person")
@callers(*BAD, "service")
def test_credentials_that_open_nothing_open_nothing(row, caller):
    world = make_world(row.status, paid=row.paid)
    before = world.snapshot()

    response = call(row, world, caller)

    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="orsta"'
    assert world.snapshot() == before


@rows("tenant", with_id=True)
@callers(*STRANGERS)
def test_another_tenants_session_is_as_unknown_as_any(row, caller):
    world = make_world(row.status)
    before = world.snapshot()

    foreign = call(row, world, caller)
    unknown = call(row, world, caller, session_id=UNKNOWN)

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert without_trace(foreign) == without_trace(unknown)
    assert world.snapshot() == before


@rows("tenant", "person", with_id=False)
@callers("stranger")
def test_a_stranger_sees_and_changes_only_what_is_its_own(row, caller):
    world = make_world(paid=row.paid)
    before = world.snapshot(world.acme)

    response = call(row, world, caller)

    assert response.status_code == row.ok
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
@pytest.mark.parametrize(
    "session_id", ["%00", "ses_%00", "x" * 500, "%F0%9F%98%80", "1", "%2e%2e"]
)
def test_a_strange_id_is_only_unknown(row, session_id):
    world = make_world()

    assert call(row, world, "owner", session_id=session_id).status_code in {404, 405}


@rows("service")
@callers("service")
def test_sibling_services_may(row, caller):
    assert call(row, make_world(), caller).status_code == row.ok


@rows("service")
@callers(*TENANT, *STRANGERS, *(name for name in BAD if name != "service key as key"))
def test_customers_are_no_sibling_services(row, caller):
    assert call(row, make_world(), caller).status_code == 401


@rows("page")
@callers(*PEOPLE)
def test_people_see_their_pages(row, caller):
    assert call(row, make_world(row.status), caller).status_code == row.ok


@rows("page")
@callers("nobody", "logged out")
def test_pages_send_everybody_else_to_the_login(row, caller):
    world = make_world()
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
    for caller in (*STRANGERS, *BAD):
        assert "secret-of-alice" not in call(row, world, caller).content.decode()


@rows("page", writes=True)
def test_a_forged_form_changes_nothing(row):
    """A page elsewhere can make a browser post here, cookie and all, but has no token."""
    world = make_world()
    client = world.client("owner", browser=True)
    client.handler.enforce_csrf_checks = True
    before = world.snapshot()

    assert client.post(row.path(world), row.body).status_code == 403
    assert world.snapshot() == before


@rows("tenant", "person", writes=True)
def test_a_cookie_alone_changes_nothing(row):
    world = make_world(row.status, paid=row.paid)
    client = world.client("owner", browser=True)
    client.handler.enforce_csrf_checks = True
    before = world.snapshot()

    response = client.generic(
        row.method, row.path(world), "{}", content_type="application/json"
    )

    assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
    assert world.snapshot() == before
