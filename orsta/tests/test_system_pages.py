"""What the service answers about itself, to programs and to browsers."""

import re
import tomllib

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

import orsta
from orsta import views

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


def policy_of(response) -> dict[str, str]:
    directives = response.headers["Content-Security-Policy"].split(";")
    return dict(directive.strip().split(" ", 1) for directive in directives)


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "application/json, text/html"]
)
def test_programs_get_json_at_the_root(client, accept):
    response = client.get("/", headers={"accept": accept} if accept else {})

    assert response.json()["service"] == "orsta"
    assert response.json()["status"] == "running"
    assert response.json()["version"] == orsta.__version__
    assert "Accept" in response.headers["Vary"]


def test_every_link_of_the_root_leads_somewhere(client, db):
    for name, path in client.get("/").json()["links"].items():
        assert client.get(path).status_code in {200, 302, 503}, name


def test_browsers_get_a_page_at_the_root(client):
    response = client.get("/", headers=BROWSER)

    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<h1" in response.content


def test_the_version_is_the_projects():
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())

    assert orsta.__version__ == project["project"]["version"]


@pytest.mark.parametrize(
    "path", ["/v1/nope", "/auth/nope", "/billing/x", "/internal/x", "/nope"]
)
def test_programs_get_a_problem_for_what_is_not_there(client, path):
    response = client.get(path)

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"
    assert response.json()["trace_id"] == response.headers["X-Request-Id"]


def test_api_paths_answer_problems_even_to_browsers(client):
    response = client.get("/v1/nope", headers=BROWSER)

    assert response.headers["Content-Type"] == "application/problem+json"


def test_browsers_get_a_page_for_what_is_not_there(client):
    response = client.get("/nope", headers=BROWSER)

    assert response.status_code == 404
    assert "There is nothing at this address." in response.content.decode()


@pytest.mark.parametrize(
    ("handler", "status", "code"),
    [
        (lambda request: views.bad_request(request, None), 400, "bad_request"),
        (lambda request: views.forbidden(request, None), 403, "denied"),
        (views.server_error, 500, "server_error"),
        (views.csrf_failure, 403, "csrf_failed"),
    ],
)
def test_failures_have_a_page_and_a_problem(rf, handler, status, code):
    program, person = rf.get("/x"), rf.get("/x", headers=BROWSER)

    problem, page = handler(program), handler(person)

    assert (problem.status_code, page.status_code) == (status, status)
    assert f'"code": "{code}"'.encode() in problem.content
    assert b"<h1>" in page.content


def test_a_failure_page_needs_nothing_that_may_have_failed(rf, monkeypatch):
    """No session, no user, no database: the page is rendered without the request."""
    request = rf.get("/x", headers=BROWSER)
    monkeypatch.setattr(settings, "DATABASES", {})

    assert views.server_error(request).status_code == 500


def test_a_crash_is_a_problem_that_shows_nothing(client, monkeypatch):
    def crash(*_: object) -> None:
        raise RuntimeError("secret-of-the-server")

    client.raise_request_exception = False
    monkeypatch.setattr(views.ServiceInfo, "get", crash)

    response = client.get("/")

    assert response.status_code == 500
    assert response.json()["code"] == "server_error"
    assert b"secret-of-the-server" not in response.content


def test_the_schema_comes_as_yaml_or_json(client):
    yaml, json = client.get("/schema"), client.get("/schema", {"format": "json"})

    assert yaml.content.startswith(b"openapi: 3.")
    assert json.json()["info"]["title"] == "Orsta"
    assert "/v1/sessions" in json.json()["paths"]


def test_the_documentation_works_offline_and_under_the_policy(client):
    page = client.get("/docs", headers=BROWSER)
    written = page.content.decode()

    assert policy_of(page).items() >= POLICY.items()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', written)
    assert len(addresses) == 6
    for address in addresses:
        assert address.startswith("/"), address
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/")), address
        else:
            assert client.get(address).status_code == 200
    assert "<style" not in written
    assert not re.search(r"<script>|<script [^>]*>[^<]", written)


def test_every_type_of_a_problem_is_explained(client):
    problem = client.get("/v1/sessions").json()
    page, _, anchor = problem["type"].partition("#")

    written = client.get(page).content.decode()

    assert f'<tr id="{anchor}">' in written
    assert '<tr id="session_limit_reached">' in written


def test_the_icon_is_there(client):
    response = client.get("/favicon.ico")

    assert response.headers["Location"] == "/static/console/logo.svg"
    assert finders.find("console/logo.svg")


def test_pages_have_the_strict_policy_and_the_other_headers(client):
    response = client.get("/", headers=BROWSER)

    assert policy_of(response).items() >= POLICY.items()
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"
