"""Messages over HTTP."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.tests.factories import make_api_key, make_login, make_member, make_tenant
from sessions_app.messaging.models import Message
from sessions_app.messaging.states import Direction, MessageStatus
from sessions_app.messaging.tests.factories import ADA, NOON, make_message
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return make_session(status=SessionStatus.CONNECTED)


@pytest.fixture
def api(session):
    return client_of(session.tenant)


def client_of(tenant):
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_api_key(tenant).text)
    return client


def path(session, message_id=""):
    base = f"/v1/sessions/{session.public_id}/messages"
    return f"{base}/{message_id}" if message_id else base


def test_a_message_is_accepted(api, session):
    answer = api.post(path(session), {"to": "+1 555 010 0123", "text": " hello "})

    message = Message.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {
        "message": {
            "id": message.public_id,
            "session_id": session.public_id,
            "direction": "OUTBOUND",
            "type": "text",
            "chat": ADA,
            "sender": session.jid,
            "wa_id": message.wa_id,
            "text": " hello ",
            "quoted_wa_id": "",
            "media": None,
            "undecryptable": False,
            "reactions": [],
            "status": "QUEUED",
            "error": "",
            "created_at": message.created_at.isoformat().replace("+00:00", "Z"),
            "sent_at": None,
            "delivered_at": None,
            "read_at": None,
            "edited_at": None,
            "revoked_at": None,
        }
    }


def test_many_messages_are_accepted_at_once(api, session):
    drafts = [{"to": ADA, "text": f"text {number}"} for number in range(500)]

    answer = api.post(path(session), {"messages": drafts})

    assert answer.status_code == 202
    texts = [message["text"] for message in answer.json()["messages"]]
    assert texts == [draft["text"] for draft in drafts]


def test_the_same_request_twice_sends_once(api, session):
    body, headers = {"to": ADA, "text": "hello"}, {"Idempotency-Key": "k1"}

    first = api.post(path(session), body, headers=headers)
    second = api.post(path(session), body, headers=headers)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"to": ADA},
        {"text": "hello"},
        {"to": ADA, "text": ""},
        {"to": ADA, "text": "  "},
        {"to": ADA, "text": None},
        {"to": ADA, "text": "null \x00"},
        {"to": ADA, "text": "half \ud83d"},
        {"to": ADA, "text": "x" * 65_537},
        {"to": ADA, "text": {"a": 1}},
        {"to": "alice", "text": "hello"},
        {"to": "15550\x00100123", "text": "hello"},
        {"to": ["1"], "text": "hello"},
        {"to": "1" * 5_000, "text": "hello"},
        {"messages": []},
        {"messages": "hello"},
        {"messages": ["hello"]},
        {"messages": [{"to": ADA}]},
        {"messages": [{"to": ADA, "text": "x"}] * 501},
        {"messages": [{"to": ADA, "text": "x"}], "to": ADA, "text": "x"},
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(api, session, body):
    answer = api.post(path(session), json.dumps(body), content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid_input", "invalid_recipient", "invalid_text"}
    assert not Message.objects.exists()


def test_a_session_that_can_not_send_says_what_to_do(api, session):
    stopped = make_session(tenant=session.tenant, status=SessionStatus.STOPPED, jid=ADA)

    answer = api.post(path(stopped), {"to": ADA, "text": "hello"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "session_not_ready"
    assert "Start the session" in answer.json()["error"]


def test_a_list_goes_page_by_page_from_the_newest(api, session):
    messages = [make_message(session) for _ in range(5)]

    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(path(session), {"limit": 2} | ({"cursor": cursor} if cursor else {}))
        seen += [message["id"] for message in page.json()["messages"]]
        cursor = page.json()["next_cursor"]

    assert seen == [message.public_id for message in reversed(messages)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"direction": "inbound"}, {"in"}),
        ({"status": "READ"}, {"out"}),
        ({"status": "read", "direction": "INBOUND"}, set()),
        ({"chat": "+1 555 010 0199"}, {"in"}),
        ({"chat": "15550100199@c.us"}, {"in"}),
        ({"chat": "", "status": "", "direction": ""}, {"in", "out"}),
    ],
)
def test_a_list_is_narrowed(api, session, query, found):
    make_message(session, status=MessageStatus.READ, text="out")
    make_message(
        session,
        status=MessageStatus.RECEIVED,
        direction=Direction.INBOUND,
        chat="15550100199@s.whatsapp.net",
        text="in",
    )

    answer = api.get(path(session), query)

    assert {message["text"] for message in answer.json()["messages"]} == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"since": "2026-03-01T12:00:00Z"}, ["noon", "one"]),
        ({"since": "2026-03-01T12:00:00.000001Z"}, ["one"]),
        ({"until": "2026-03-01T12:00:00Z"}, ["eleven"]),
        ({"until": "2026-03-01T13:00:00+01:00"}, ["eleven"]),
        ({"since": "2026-03-01T12:00:00Z", "until": "2026-03-01T13:00:00Z"}, ["noon"]),
        ({"since": "2026-03-01T13:00:00Z", "until": "2026-03-01T11:00:00Z"}, []),
        ({"since": "2026-03-01T11:30:00Z", "status": "SENT"}, ["one"]),
    ],
)
def test_a_list_is_narrowed_to_a_time(api, session, query, found):
    """From `since` on and before `until`, so that two spans that meet share no message."""
    moments = {"eleven": ("SENT", -1), "noon": ("READ", 0), "one": ("SENT", 1)}
    for text, (status, hours) in moments.items():
        at = NOON + timedelta(hours=hours)
        make_message(session, text=text, status=status, created_at=at)

    answer = api.get(path(session), query)

    assert [message["text"] for message in reversed(answer.json()["messages"])] == found


@pytest.mark.parametrize(
    "query",
    [
        "chat=alice",
        "since=yesterday",
        "until=2026-13-01T00:00:00Z",
        "since=%00",
        "chat=%00",
        "direction=sideways",
        "status=%00",
        "status=LOST",
        "cursor=%00",
        "cursor=abc",
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(api, session, query):
    assert api.get(f"{path(session)}?{query}").status_code == 400


def test_one_message_can_be_followed(api, session):
    message = make_message(
        session, status=MessageStatus.READ, sent_at=timezone.now(), read_at=timezone.now()
    )

    answer = api.get(path(session, message.public_id))

    assert answer.status_code == 200
    assert answer.json()["message"]["status"] == "READ"


@pytest.mark.parametrize("message_id", ["msg_none", "%00", "%F0%9F%98%80", "x" * 300])
def test_a_message_that_does_not_exist_is_missing(api, session, message_id):
    assert api.get(path(session, message_id)).status_code == 404


@pytest.mark.parametrize("session_id", ["ses_none", "%00", "%F0%9F%98%80", "x" * 300])
def test_a_session_that_does_not_exist_is_missing(api, session_id):
    for tail in ("messages", "messages/msg_none", "contacts", "contacts/sync"):
        assert api.get(f"/v1/sessions/{session_id}/{tail}").status_code == 404


def test_a_message_of_another_session_is_missing(api, session):
    other = make_session(tenant=session.tenant)
    message = make_message(other)

    assert api.get(path(session, message.public_id)).status_code == 404


def test_sending_looks_for_nothing_that_can_not_be(api, session, django_assert_max_num_queries):
    draft = {"to": "+14155550100", "text": "hello"}
    api.post(path(session), draft, content_type="application/json")

    # Four savepoints; session, tenant, person, chat; quota, message, event, command.
    with django_assert_max_num_queries(12):
        answer = api.post(path(session), draft, content_type="application/json")

    assert answer.json()["message"]["reactions"] == []


def test_reading_a_list_costs_three_queries(api, session, django_assert_max_num_queries):
    for _ in range(20):
        make_message(session)
    api.get(path(session))

    # The session, its messages, their reactions; the key is cached.
    with django_assert_max_num_queries(3):
        api.get(path(session))


def test_only_the_tenants_own_people_and_programs_get_in(session):
    message = make_message(session)
    bob = make_login(session.tenant, make_member(session.tenant)).token
    charlie = make_login(make_tenant()).token
    calls = [
        ("get", path(session), None),
        ("post", path(session), {"to": ADA, "text": "hello"}),
        ("get", path(session, message.public_id), None),
    ]

    def statuses(**credentials):
        client = APIClient()
        client.credentials(**credentials)
        return [getattr(client, method)(to, body).status_code for method, to, body in calls]

    alice = make_login(session.tenant).token
    assert statuses(HTTP_AUTHORIZATION=f"Bearer {alice}") == [200, 202, 200]
    assert statuses(HTTP_AUTHORIZATION=f"Bearer {bob}") == [200, 202, 200]
    assert statuses(HTTP_AUTHORIZATION=f"Bearer {charlie}") == [404, 404, 404]
    assert statuses(HTTP_X_API_KEY=make_api_key(make_tenant()).text) == [404, 404, 404]
    assert statuses() == [401, 401, 401]
    assert Message.objects.count() == 3
