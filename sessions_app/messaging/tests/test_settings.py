"""`/v1/sessions/{id}/settings`: what a session does by itself, and its figures."""

import pytest
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key
from sessions_app.messaging.services import outcomes
from sessions_app.messaging.tests.factories import NOON, make_message
from sessions_app.models import Session
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED, events="Message,QR")


@pytest.fixture
def api(session):
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(session.tenant).text)
    return client


def path(session):
    return f"/v1/sessions/{session.public_id}/settings"


def record(*ended):
    outcomes.record(outcomes=ended, now=NOON)


def test_settings_show_what_is_set_and_what_was_sent_by_type(api, session):
    good, bad = make_message(session), make_message(session)
    record(
        outcomes.Sent(good.public_id, good.wa_id, NOON), outcomes.Failed(bad.public_id, "no")
    )

    answer = api.get(path(session))

    assert answer.status_code == 200
    assert answer.json() == {
        "session_id": session.public_id,
        "webhook_url": "",
        "auto_read_enabled": False,
        "typing_enabled": False,
        "message_stat_sent": 1,
        "message_stat_failed": 1,
        "message_stats": [
            {
                "type": "text",
                "total_sent": 1,
                "total_failed": 1,
                "last_success_at": "2026-03-01T12:00:00Z",
                "last_failed_at": "2026-03-01T12:00:00Z",
            }
        ],
    }


def test_figures_add_up_over_many_batches_and_go_back_when_a_failure_was_none(api, session):
    messages = [make_message(session) for _ in range(3)]
    for message in messages[:2]:
        record(outcomes.Sent(message.public_id, message.wa_id, NOON))
    record(outcomes.Failed(messages[2].public_id, "no"))
    Session.objects.filter(pk=session.pk).update(messages_sent=2, messages_failed=1)

    (figures,) = api.get(path(session)).json()["message_stats"]

    assert (figures["total_sent"], figures["total_failed"]) == (2, 1)


def test_only_what_is_sent_changes(api, session):
    answer = api.put(path(session), {"typing_enabled": True})

    assert answer.status_code == 200
    assert answer.json()["message"] == "settings updated"
    assert answer.json()["typing_enabled"] is True
    session.refresh_from_db()
    assert (session.typing_enabled, session.auto_read_enabled) == (True, False)


def test_g2_a_new_webhook_address_leaves_the_events_alone(api, session):
    """The same is vector 19 of the first API: the new address, and its events."""
    answer = api.put(path(session), {"webhook_url": "https://example.com/hook"})

    session.refresh_from_db()
    assert answer.json()["webhook_url"] == "https://example.com/hook"
    assert (session.webhook_url, session.events) == ("https://example.com/hook", "Message,QR")


def test_g10_a_webhook_address_can_be_taken_away(api, session):
    Session.objects.update(webhook_url="https://example.com/hook")

    assert api.put(path(session), {"webhook_url": ""}).json()["webhook_url"] == ""

    session.refresh_from_db()
    assert session.webhook_url == ""


@pytest.mark.parametrize(
    "body",
    [
        {"webhook_url": "http://127.0.0.1/"},
        {"webhook_url": "ftp://example.com"},
        {"auto_read_enabled": "perhaps"},
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(api, session, body):
    assert api.put(path(session), body).status_code == 400

    before = session.updated_at
    session.refresh_from_db()
    assert session.updated_at == before


def test_vector_17_a_strangers_session_is_missing(session):
    stranger = APIClient()
    stranger.credentials(HTTP_X_API_KEY=make_api_key(make_customer()).text)

    answers = [stranger.get(path(session)), stranger.put(path(session), {})]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_reading_settings_costs_two_queries(api, session, django_assert_num_queries):
    api.get(path(session))

    with django_assert_num_queries(2):  # the session, its figures
        api.get(path(session))
