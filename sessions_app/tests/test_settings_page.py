"""The console's page of a session's settings, what holds look like, and who may do what."""

import pytest
from django.utils import timezone

from accounts import authentication
from accounts.roles import Role
from accounts.tests.factories import make_login, make_member
from sessions_app.messaging.models import MessageCount
from sessions_app.models import Session
from sessions_app.states import Hold, SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(tenant=make_customer(), name="shop", events="Message,QR")


def log_in(client, tenant, role=Role.OWNER):
    user = make_member(tenant, role=role)
    user.email_verified_at = timezone.now()
    user.save(update_fields=["email_verified_at"])
    client.cookies[authentication.COOKIE] = make_login(tenant, user).token
    return client


def path(session):
    return f"/console/sessions/{session.public_id}/settings"


def form_of(session, **changes):
    return {
        "session_name": session.name,
        "webhook_url": session.webhook_url,
        "events": session.events,
        "expiration_sec": session.expiration_seconds,
        "history": session.history_limit,
    } | changes


def test_the_page_shows_settings_and_figures(client, session):
    MessageCount.objects.create(session=session, kind="text", sent=12, failed=3)

    page = log_in(client, session.tenant).get(path(session)).content.decode()

    assert 'value="shop"' in page
    assert 'value="Message,QR"' in page
    assert "<td>12</td>" in page
    assert "<td>3</td>" in page


def test_what_was_changed_is_saved_and_said(client, session):
    browser = log_in(client, session.tenant)
    body = form_of(session, session_name="support", typing_enabled="on", history="25")

    answer = browser.post(path(session), body, follow=True)

    assert "Your changes are saved." in answer.content.decode()
    session.refresh_from_db()
    assert (session.name, session.typing_enabled, session.history_limit) == (
        "support",
        True,
        25,
    )
    assert session.events == "Message,QR"


def test_saving_the_page_as_it_is_does_not_put_the_end_off(client, session):
    end = timezone.now()
    Session.objects.update(expiration_seconds=60, expires_at=end)
    session.refresh_from_db()

    log_in(client, session.tenant).post(path(session), form_of(session, session_name="b"))

    session.refresh_from_db()
    assert (session.name, session.expires_at) == ("b", end)


@pytest.mark.parametrize(
    "wrong", [{"webhook_url": "http://127.0.0.1/"}, {"events": "1,2"}, {"history": "-1"}]
)
def test_what_the_api_refuses_is_said_and_nothing_changes(client, session, wrong):
    body = form_of(session, session_name="other", **wrong)

    answer = log_in(client, session.tenant).post(path(session), body)

    assert answer.status_code == 400
    assert any(answer.context["form"].errors.values())
    session.refresh_from_db()
    assert session.name == "shop"


def test_a_viewer_looks_and_changes_nothing(client, session):
    browser = log_in(client, session.tenant, Role.VIEWER)

    page = browser.get(path(session)).content.decode()
    answer = browser.post(path(session), form_of(session, session_name="mine"))

    assert '<button class="button button-primary button-wide">Save' not in page
    assert answer.status_code == 403
    session.refresh_from_db()
    assert session.name == "shop"


def test_a_viewer_creates_no_sessions(client, session):
    browser = log_in(client, session.tenant, Role.VIEWER)

    answer = browser.post("/console/sessions/new", {"session_name": "b"})

    assert answer.status_code == 403
    assert Session.objects.count() == 1


@pytest.mark.parametrize("tail", ["", "/new", "/{id}", "/{id}/settings"])
def test_who_deals_with_money_only_sees_no_sessions(client, session, tail):
    browser = log_in(client, session.tenant, Role.BILLING)

    answer = browser.get("/console/sessions" + tail.format(id=session.public_id))

    assert answer.status_code == 403
    assert "shop" not in answer.content.decode()


def test_a_strangers_session_does_not_exist(client, session):
    browser = log_in(client, make_customer())

    answers = [browser.get(path(session)), browser.post(path(session), form_of(session))]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize(
    ("hold", "said"),
    [(Hold.EXPIRED, "No plan runs"), (Hold.SUSPENDED, "The workspace is suspended")],
)
@pytest.mark.parametrize("tail", ["", "/settings"])
def test_a_held_session_says_so_on_its_pages(client, hold, said, tail):
    session = make_session(status=SessionStatus.STOPPED, hold=hold)
    browser = log_in(client, session.tenant)

    page = browser.get(f"/console/sessions/{session.public_id}{tail}").content.decode()

    assert f'data-hold="{hold}">' in page  # not hidden
    assert said in page
    assert "Held</span>" in browser.get("/console/sessions").content.decode()
