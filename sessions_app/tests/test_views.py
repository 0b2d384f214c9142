"""The console's pages about sessions."""

import json
import re

import pytest
from django.utils import timezone

from accounts import authentication
from accounts.models import LoginSession
from accounts.tests.factories import make_login
from sessions_app.contacts.models import Contact
from sessions_app.messaging.models import Message
from sessions_app.models import Session
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session
from sessions_app.views import STATUSES

pytestmark = pytest.mark.django_db
SESSIONS = "/console/sessions"


def browser_of(client, tenant):
    """Log the owner in; the login was used a moment ago, so reading it writes nothing."""
    client.cookies[authentication.COOKIE] = make_login(tenant).token
    LoginSession.objects.update(last_used_at=timezone.now())
    return client


@pytest.fixture
def tenant():
    """A customer whose plan allows three sessions."""
    return make_customer()


@pytest.fixture
def browser(client, tenant):
    """Its owner's browser."""
    return browser_of(client, tenant)


def make_message(session, chat, text, **fields):
    values = {
        "tenant": session.tenant,
        "session": session,
        "direction": "INBOUND",
        "chat": chat,
        "sender": chat,
        "wa_id": f"WA{Message.objects.count()}",
        "text": text,
        "status": "RECEIVED",
        "created_at": timezone.now(),
    }
    return Message.objects.create(**values | fields)


def test_the_console_begins_with_the_sessions(browser):
    answer = browser.get("/console/")

    assert (answer.status_code, answer.headers["Location"]) == (302, SESSIONS)


def test_without_a_plan_the_list_says_what_to_do_first(client):
    login = make_login()
    client.cookies[authentication.COOKIE] = login.token

    page = client.get(SESSIONS).content.decode()

    assert "Turn on your API key first" in page
    assert 'href="/console/billing"' in page
    assert "/console/sessions/new" not in page


def test_an_empty_list_says_what_to_do_next(browser):
    page = browser.get(SESSIONS).content.decode()

    assert "No sessions yet" in page
    assert 'href="/console/sessions/new"' in page
    assert "0 of 3 sessions in use" in page


def test_the_list_shows_status_and_advice_of_the_tenants_sessions_only(browser, tenant):
    mine = make_session(tenant=tenant, status=SessionStatus.LOGGED_OUT, name="Mine")
    theirs = make_session(name="Theirs")

    page = browser.get(SESSIONS).content.decode()

    assert f'href="/console/sessions/{mine.public_id}"' in page
    assert "The phone removed this device. Start the session and scan a new code." in page
    assert theirs.public_id not in page


def test_the_list_costs_the_same_however_long_it_is(browser, tenant, django_assert_num_queries):
    for _ in range(5):
        make_session(tenant=tenant)

    browser.get(SESSIONS)

    with django_assert_num_queries(3):  # the login, the sessions, the usage
        answer = browser.get(SESSIONS)

    assert len(answer.context["cards"]) == 5


def test_the_list_comes_in_pages(browser, tenant):
    for number in range(51):
        make_session(tenant=tenant, name=f"n{number}")

    first = browser.get(SESSIONS)
    (cursor,) = re.findall(r'href="\?cursor=([^"]+)"', first.content.decode())
    second = browser.get(SESSIONS, {"cursor": cursor})

    assert len(first.context["cards"]) == 50
    assert [card.session.name for card in second.context["cards"]] == ["n0"]


def test_creating_a_session_leads_to_its_page(browser, tenant):
    answer = browser.post(
        "/console/sessions/new", {"session_name": "Support", "auto_connect": "on"}
    )

    session = Session.objects.get()
    assert answer.headers["Location"] == f"{SESSIONS}/{session.public_id}"
    assert (session.tenant, session.name, session.engine) == (tenant, "Support", "sandbox")
    assert session.desired == "RUNNING"


def test_the_folded_settings_reach_the_session(browser):
    browser.post(
        "/console/sessions/new",
        {
            "session_name": "Support",
            "engine": "sandbox",
            "events": "Message, QR",
            "expiration_sec": "60",
            "history": "20",
            "typing_enabled": "on",
        },
    )

    session = Session.objects.get()
    assert session.events == "Message,QR"
    assert (session.expiration_seconds, session.history_limit) == (60, 20)
    assert (session.auto_connect, session.typing_enabled) == (False, True)
    assert session.desired == "STOPPED"


def test_a_session_without_a_name_is_refused_at_the_field(browser):
    answer = browser.post("/console/sessions/new", {"session_name": ""})

    assert answer.status_code == 400
    assert answer.context["form"].errors["session_name"] == ["This field is required."]
    assert not Session.objects.exists()


def test_an_error_in_a_folded_field_opens_the_fold(browser):
    answer = browser.post(
        "/console/sessions/new", {"session_name": "Support", "events": "no digits 1"}
    )

    assert answer.status_code == 400
    assert '<details class="fold" open>' in answer.content.decode()
    assert not Session.objects.exists()


def test_one_session_too_many_is_refused_with_the_limit(client):
    tenant = make_customer(max_sessions=1)
    browser = browser_of(client, tenant)
    browser.post("/console/sessions/new", {"session_name": "First"})

    answer = browser.post("/console/sessions/new", {"session_name": "Second"})

    assert answer.status_code == 403
    refused = answer.context["form"].refused
    assert refused.code == "session_limit_reached"
    assert refused.message in answer.content.decode()
    assert [session.name for session in Session.objects.all()] == ["First"]


def test_the_session_page_costs_two_queries(browser, tenant, django_assert_num_queries):
    session = make_session(tenant=tenant, status=SessionStatus.CONNECTED)

    with django_assert_num_queries(2):
        answer = browser.get(f"{SESSIONS}/{session.public_id}")

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "+15550100001" in page
    assert "Simulate message" in page
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_page_knows_a_label_and_a_tone_for_every_status(browser, tenant):
    session = make_session(tenant=tenant)

    page = browser.get(f"{SESSIONS}/{session.public_id}").content.decode()

    (data,) = re.findall(r'<script id="statuses" type="application/json">(.*?)</script>', page)
    assert json.loads(data) == STATUSES
    assert set(STATUSES) == set(SessionStatus.values)


def test_a_name_is_text_and_never_markup(browser, tenant):
    session = make_session(tenant=tenant, name="<script>alert(1)</script>")

    pages = [browser.get(path).content.decode() for path in
             (SESSIONS, f"{SESSIONS}/{session.public_id}")]  # fmt: skip

    for page in pages:
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("path", ["", "/chats"])
def test_another_tenants_session_does_not_exist(browser, path):
    theirs = make_session(name="Theirs")

    answer = browser.get(f"{SESSIONS}/{theirs.public_id}{path}")

    assert answer.status_code == 404
    assert "There is no such session." in answer.content.decode()
    assert "Theirs" not in answer.content.decode()


def test_the_chats_come_with_names_and_their_last_message(browser, tenant):
    session = make_session(tenant=tenant, status=SessionStatus.CONNECTED)
    ann, bob = "15550100002@s.whatsapp.net", "15550100003@s.whatsapp.net"
    Contact.objects.create(tenant=tenant, session=session, jid=ann, name="Ann")
    make_message(session, ann, "first")
    make_message(session, bob, "from Bob")
    newest = make_message(session, ann, "second " * 100)

    body = browser.get(f"{SESSIONS}/{session.public_id}/chats").json()

    assert [(chat["jid"], chat["name"]) for chat in body["chats"]] == [(ann, "Ann"), (bob, "")]
    assert body["chats"][0]["last"]["id"] == newest.public_id
    assert len(body["chats"][0]["last"]["text"]) == 120
    assert body["more"] is False


def test_the_chats_say_when_there_are_more(browser, tenant):
    session = make_session(tenant=tenant, status=SessionStatus.CONNECTED)
    for number in range(3):
        make_message(session, f"1555010000{number}@s.whatsapp.net", "hello")

    few = browser.get(f"{SESSIONS}/{session.public_id}/chats", {"limit": "2"}).json()
    odd = browser.get(f"{SESSIONS}/{session.public_id}/chats", {"limit": "-1"}).json()

    assert (len(few["chats"]), few["more"]) == (2, True)
    assert (len(odd["chats"]), odd["more"]) == (3, False)


def test_the_chats_of_nobody_are_refused_as_json(client, tenant):
    session = make_session(tenant=tenant)

    answer = client.get(f"{SESSIONS}/{session.public_id}/chats")

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
