"""The console's pages about API keys."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, Role, Tenant
from accounts.services import keys
from accounts.tests.clients import browser_of
from accounts.tests.factories import make_api_key, make_login, make_member
from accounts.tests.key_probes import SESSION

KEY = re.compile(r"ork_\w{62,}")
pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_login()


@pytest.fixture
def browser(alice):
    return browser_of(alice)


def path_of(issued, action=""):
    return f"/console/keys/{issued.row.public_id}{action}"


def test_the_list_shows_the_tenants_keys_without_their_secrets(alice, browser):
    mine = make_api_key(alice.tenant, name="shop", networks=["192.0.2.1"])
    theirs = make_api_key(name="not-mine")

    page = browser.get("/console/keys").content.decode()

    assert "shop" in page
    assert f"ork_{mine.row.key_id}_••••{mine.row.hint}" in page
    assert "1 network only" in page
    assert "Never used" in page
    assert mine.text not in page
    assert theirs.row.name not in page


def test_a_key_is_made_and_shown_once(alice, browser):
    form = browser.get("/console/keys/new").content.decode()
    assert "Everything a key may do" in form

    made = browser.post(
        "/console/keys/new",
        {
            "name": "shop",
            "scopes": ["messages:read", "messages:write"],
            "session_ids": f"{SESSION}\n",
            "networks": "192.0.2.0/24\n2001:db8::1",
            "last_day": "2099-12-31",
        },
    )

    (text,) = set(KEY.findall(made.content.decode()))
    row = ApiKey.objects.get()
    assert (
        made.headers["Cache-Control"]
        == "max-age=0, no-cache, no-store, must-revalidate, private"
    )
    assert (row.name, row.scopes) == ("shop", ["messages:read", "messages:write"])
    assert row.session_ids == [SESSION]
    assert row.networks == ["192.0.2.0/24", "2001:db8::1/128"]
    assert row.expires_at == datetime(2100, 1, 1, tzinfo=UTC)
    assert text not in browser.get(f"/console/keys/{row.public_id}").content.decode()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "This field is required."),
        ("scopes", [], "This field is required."),
        ("scopes", ["billing:write"], "Select a valid choice."),
        ("session_ids", "nope", "is no session id."),
        ("networks", "example.com", "is no address and no network"),
        ("last_day", "2020-01-01", "Choose a moment in the future."),
    ],
)
def test_input_that_makes_no_sense_is_said_at_its_field(browser, field, value, sentence):
    form = {"name": "shop", "scopes": ["messages:read"], field: value}

    answer = browser.post("/console/keys/new", form)

    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_the_last_of_all_days_ends_a_key_too(browser):
    form = {"name": "shop", "scopes": ["messages:read"], "last_day": "9999-12-31"}

    assert browser.post("/console/keys/new", form).status_code == 200

    assert ApiKey.objects.get().expires_at == datetime(9999, 12, 31, tzinfo=UTC)


def test_a_developer_is_offered_what_developers_have(alice):
    make_api_key(alice.tenant)
    developer = browser_of(make_login(alice.tenant, make_member(alice.tenant)))

    page = developer.get("/console/keys/new").content.decode()
    refused = developer.post("/console/keys/new", {"name": "x", "scopes": ["audit:read"]})

    assert "messages:write" in page
    assert "audit:read" not in page
    assert refused.status_code == 400
    assert ApiKey.objects.count() == 1


def test_a_developer_cannot_take_over_a_stronger_key(alice):
    strong = make_api_key(alice.tenant)
    developer = browser_of(make_login(alice.tenant, make_member(alice.tenant)))

    answer = developer.post(path_of(strong, "/rotate"), {"overlap_hours": "0"})

    assert answer.status_code == 403
    assert "Your role does not have audit:read" in answer.content.decode()
    assert ApiKey.objects.get() == strong.row


@pytest.mark.parametrize("role", [Role.VIEWER, Role.BILLING])
def test_who_may_not_see_keys_is_told_so(alice, role):
    issued = make_api_key(alice.tenant)
    bob = browser_of(make_login(alice.tenant, make_member(alice.tenant, role=role)))

    answers = [
        bob.get("/console/keys"),
        bob.get(path_of(issued)),
        bob.get("/console/keys/new"),
        bob.post(path_of(issued, "/revoke")),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert '/console/keys"' not in answers[0].content.decode()
    assert ApiKey.objects.get().revoked_at is None


def test_a_key_is_changed(alice, browser):
    ends = timezone.now() + timedelta(days=3)
    issued = make_api_key(alice.tenant, expires_at=ends)
    shown = browser.get(path_of(issued)).content.decode()
    day = (ends - timedelta(microseconds=1)).date().isoformat()
    assert f'value="{day}"' in shown

    changed = browser.post(
        path_of(issued), {"name": "new", "scopes": ["messages:read"], "last_day": day}
    )

    assert changed.headers["Location"] == path_of(issued)
    row = ApiKey.objects.get()
    assert (row.name, row.scopes, row.expires_at) == ("new", ["messages:read"], ends)


def test_a_key_is_replaced_with_an_overlap(alice, browser):
    old = make_api_key(alice.tenant, name="shop")

    answer = browser.post(path_of(old, "/rotate"), {"overlap_hours": "24"})

    (text,) = set(KEY.findall(answer.content.decode()))
    old.row.refresh_from_db()
    assert text.endswith(old.row.replaced_by.hint)
    assert old.row.expires_at > timezone.now() + timedelta(hours=23)
    page = browser.get(path_of(old)).content.decode()
    assert "Replaced, and still good" in page
    assert old.row.replaced_by.public_id in page
    assert "Replace key" not in page


def test_an_overlap_that_is_not_offered_is_refused(alice, browser):
    old = make_api_key(alice.tenant)

    answer = browser.post(path_of(old, "/rotate"), {"overlap_hours": "1000"})

    assert answer.status_code == 400
    assert ApiKey.objects.count() == 1


def test_a_key_is_revoked_and_listed_among_the_revoked(alice, browser):
    issued = make_api_key(alice.tenant, name="shop")

    answer = browser.post(path_of(issued, "/revoke"))

    assert answer.headers["Location"] == "/console/keys"
    assert ApiKey.objects.get().revoked_at is not None
    assert "The key shop is revoked." in browser.get("/console/keys").content.decode()
    assert "shop" not in browser.get("/console/keys").content.decode()
    assert "shop" in browser.get("/console/keys?state=REVOKED").content.decode()
    assert "Revoke key" not in browser.get(path_of(issued)).content.decode()


def test_another_tenants_key_is_not_found(browser):
    theirs = make_api_key()

    answers = [
        browser.get(path_of(theirs)),
        browser.post(path_of(theirs), {"name": "mine", "scopes": ["*"]}),
        browser.post(path_of(theirs, "/rotate"), {"overlap_hours": "0"}),
        browser.post(path_of(theirs, "/revoke")),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert ApiKey.objects.get() == theirs.row


def test_one_key_too_many_is_said(alice, browser, monkeypatch):
    monkeypatch.setattr(keys, "MAX_LIVING", 1)
    make_api_key(alice.tenant)

    answer = browser.post("/console/keys/new", {"name": "x", "scopes": ["*"]})

    assert answer.status_code == 409
    assert "A workspace has up to 1 API keys" in answer.content.decode()


def test_while_the_api_is_off_the_page_says_so(alice, browser):
    make_api_key(alice.tenant, active=False)
    assert "Your API is off" in browser.get("/console/keys").content.decode()

    Tenant.objects.update(api_enabled=True)

    assert "Your API is off" not in browser.get("/console/keys").content.decode()


def test_without_a_login_the_pages_are_not_shown():
    answer = Client().get("/console/keys")

    assert answer.headers["Location"] == "/console/login?next=%2Fconsole%2Fkeys"
