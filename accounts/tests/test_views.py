"""The console's pages about people, as a browser without scripts sees them."""

import re

import pytest
from django.test import Client

from accounts import authentication, keys
from accounts.models import ApiKey, LoginSession, Tenant, User
from accounts.tests.factories import PASSWORD, make_api_key, make_login, make_user

pytestmark = pytest.mark.django_db
ALICE = {"username": "alice", "email": "alice@example.com", "password": "supersecret-7"}


@pytest.fixture
def alice(client):
    """Alice's browser: she owns a tenant with a key."""
    login = make_login()
    make_api_key(login.tenant)
    client.cookies[authentication.COOKIE] = login.token
    client.login_ = login
    return client


def shown_key(answer):
    """Return the one API key on a page."""
    (text,) = re.findall(r'id="secret">(ork_\w+)<', answer.content.decode())
    return text


def test_signing_up_shows_the_key_once_and_logs_in(client):
    answer = client.post("/console/signup", ALICE)

    key = ApiKey.objects.get()
    assert answer.status_code == 201
    assert keys.parse(shown_key(answer)).key_id == key.key_id
    assert not Tenant.objects.get().api_enabled
    assert "no-store" in answer.headers["Cache-Control"]
    cookie = answer.cookies[authentication.COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert client.get("/console/sessions").status_code == 200


def test_signing_up_names_every_field_that_is_wrong(client):
    answer = client.post(
        "/console/signup", {"username": "a!", "email": "nowhere", "password": "12345678"}
    )

    assert answer.status_code == 400
    assert set(answer.context["form"].errors) == {"username", "email", "password"}
    assert 'aria-invalid="true"' in answer.content.decode()
    assert "12345678" not in answer.content.decode()
    assert not User.objects.exists()


def test_signing_up_with_a_taken_address_is_refused(client):
    make_user("alice", email=ALICE["email"])

    answer = client.post("/console/signup", ALICE)

    assert answer.status_code == 409
    assert "Username or email already exists" in answer.content.decode()
    assert User.objects.count() == 1


def test_logging_in_goes_where_the_person_wanted_to_go(client):
    login = make_login()

    answer = client.post(
        "/console/login",
        {"email": login.user.email, "password": PASSWORD, "next": "/console/billing"},
    )

    assert (answer.status_code, answer.headers["Location"]) == (302, "/console/billing")
    assert answer.cookies[authentication.COOKIE].value.startswith("ort_")


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""]
)
def test_logging_in_never_leads_to_another_site(client, elsewhere):
    login = make_login()

    answer = client.post(
        "/console/login",
        {"email": login.user.email, "password": PASSWORD, "next": elsewhere},
    )

    assert answer.headers["Location"] == "/console/"


def test_a_wrong_password_is_one_sentence_and_no_login(client):
    login = make_login()
    before = LoginSession.objects.count()

    answer = client.post(
        "/console/login", {"email": login.user.email, "password": "wrong-password"}
    )

    assert answer.status_code == 401
    assert "Invalid credentials" in answer.content.decode()
    assert authentication.COOKIE not in answer.cookies
    assert LoginSession.objects.count() == before


def test_logging_out_revokes_the_login_on_the_server(alice):
    answer = alice.post("/console/logout")

    assert answer.headers["Location"] == "/console/login"
    assert answer.cookies[authentication.COOKIE].value == ""
    assert LoginSession.objects.get().revoked_at is not None


def test_a_page_without_a_login_leads_to_the_login_and_back(client):
    answer = client.get("/console/sessions?cursor=x")

    assert answer.status_code == 302
    assert answer.headers["Location"] == (
        "/console/login?next=%2Fconsole%2Fsessions%3Fcursor%3Dx"
    )


@pytest.mark.parametrize(
    "path", ["/console/signup", "/console/login", "/console/logout", "/console/keys/new"]
)
def test_every_form_wants_its_csrf_token(path):
    login = make_login()
    make_api_key(login.tenant)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies[authentication.COOKIE] = login.token

    answer = strict.post(path, ALICE)

    assert answer.status_code == 403
    assert LoginSession.objects.get().revoked_at is None
    assert ApiKey.objects.count() == 1
    assert User.objects.count() == 1


def test_pages_hold_no_inline_scripts_or_styles(client):
    pages = [
        client.get(path).content.decode() for path in ("/console/signup", "/console/login")
    ]

    for page in pages:
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert not re.search(r"<style|\sstyle=|\son\w+=", page)
