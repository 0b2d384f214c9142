"""What a sibling service does with the sessions of its users."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Tenant
from sessions_app import tasks
from sessions_app.messaging.models import Message
from sessions_app.models import Command, PairingChallenge, Session
from sessions_app.states import DesiredState, SessionStatus
from sessions_app.tests.factories import make_session
from subscriptions.tests.internal import USERS, Service, contract

pytestmark = pytest.mark.django_db
SESSIONS = f"{USERS}/usr_1/sessions"
CODE = "2@the-code-to-scan"


@pytest.fixture
def service():
    """A service with one user, who may have two sessions."""
    service = Service()
    service.bring("usr_1", max_sessions=2)
    return service


def session_of_user(status=SessionStatus.STOPPED, **fields):
    return make_session(tenant=Tenant.objects.get(external_id="usr_1"), status=status, **fields)


def path_of(session, rest=""):
    return f"{SESSIONS}/{session.public_id}{rest}"


def test_a_service_creates_reads_and_deletes_a_session_of_its_user(service):
    created = service.post(SESSIONS, {"session_name": "shop", "auto_connect": False})
    session_id = created.json()["session"]["id"]

    read = service.get(f"{SESSIONS}/{session_id}")
    listed = service.get(SESSIONS)
    user = service.get(f"{USERS}/usr_1").json()["user"]
    deleted = service.delete(f"{SESSIONS}/{session_id}")

    assert (created.status_code, read.status_code, deleted.status_code) == (201, 200, 200)
    assert read.json()["session"]["session_name"] == "shop"
    assert [row["id"] for row in listed.json()["sessions"]] == [session_id]
    assert user["session_count"] == 1
    assert deleted.json() == {"ok": True, "id": session_id}
    assert service.get(f"{SESSIONS}/{session_id}").status_code == 404
    assert service.get(f"{USERS}/usr_1").json()["user"]["session_count"] == 0


def test_the_contract_limits_how_many_there_are(service):
    answers = [service.post(SESSIONS, {"session_name": f"s{n}"}) for n in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 403]
    assert answers[2].json()["code"] == "session_limit_reached"
    assert Session.objects.count() == 2


def test_one_request_sent_twice_makes_one_session(service):
    key = {"Idempotency-Key": "k"}

    first, again = (service.post(SESSIONS, {"session_name": "s"}, **key) for _ in range(2))

    assert first.json() == again.json()
    assert Session.objects.count() == 1


def test_a_service_starts_and_stops_a_session(service):
    session = session_of_user()

    started = service.post(path_of(session, "/start"))
    stopped = service.post(path_of(session, "/stop"))

    assert (started.status_code, stopped.status_code) == (202, 202)
    assert started.json()["session"]["status"] == SessionStatus.STARTING
    assert Session.objects.get().desired == DesiredState.STOPPED


def test_a_service_reads_the_code_to_scan_as_text_and_picture(service):
    session, now = session_of_user(SessionStatus.PAIRING), timezone.now()
    PairingChallenge.objects.create(
        session=session, text=CODE, seq=1, issued_at=now, expires_at=now + timedelta(minutes=1)
    )

    text = service.get(path_of(session, "/qr"))
    picture = service.get(path_of(session, "/qr"), format="svg")

    assert text.json()["qr"] == CODE
    assert text.headers["Cache-Control"] == "no-store"
    assert picture.content.startswith(b"<?xml")


def test_a_service_sends_from_a_session_of_its_user(service):
    session = session_of_user(SessionStatus.CONNECTED)
    body = {"to": "+15550100123", "text": "hi"}

    answer = service.post(path_of(session, "/messages"), body)

    assert answer.status_code == 202
    assert answer.json()["message"]["status"] == "QUEUED"
    assert (Message.objects.count(), Command.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("get", "", None),
        ("delete", "", None),
        ("post", "/start", {}),
        ("post", "/stop", {}),
        ("get", "/qr", None),
        ("post", "/messages", {"to": "+15550100123", "text": "hi"}),
    ],
)
def test_g4_a_session_of_another_user_or_service_is_as_unknown_as_any(
    service, method, rest, body
):
    session = session_of_user(SessionStatus.CONNECTED)
    attacker = Service("attacker")
    attacker.bring("usr_1")
    service.bring("usr_2")
    arguments = [body] if method == "post" else []
    call = getattr(attacker, method)

    foreign = call(path_of(session, rest), *arguments)
    unknown = call(f"{SESSIONS}/ses_none{rest}", *arguments)
    sibling = getattr(service, method)(
        f"{USERS}/usr_2/sessions/{session.public_id}{rest}", *arguments
    )

    answers = [answer.json() for answer in (foreign, unknown, sibling)]
    for answer in answers:
        del answer["trace_id"]
    assert {foreign.status_code, unknown.status_code, sibling.status_code} == {404}
    assert answers[0] == answers[1] == answers[2]
    assert (Message.objects.count(), Command.objects.count()) == (0, 0)
    assert Session.objects.get().desired == DesiredState.RUNNING


@pytest.mark.parametrize(
    ("rest", "body"),
    [
        ("", {"session_name": "x"}),
        ("/{id}/start", {}),
        ("/{id}/messages", {"to": "+15550100123", "text": "hi"}),
    ],
)
def test_g12_nothing_is_sent_or_started_for_a_suspended_user(service, rest, body):
    session = session_of_user(SessionStatus.CONNECTED)
    service.post(f"{USERS}/usr_1/suspend", {"reason": "unpaid"})

    answer = service.post(SESSIONS + rest.format(id=session.public_id), body)

    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")
    assert (Message.objects.count(), Session.objects.count()) == (0, 1)


def test_g12_sessions_of_a_suspended_user_stop_and_come_back(
    service, drain_outbox, monkeypatch
):
    session = session_of_user(SessionStatus.CONNECTED)
    drain_outbox()
    monkeypatch.setattr(tasks.refresh_holds, "delay", tasks.refresh_holds.run)

    service.post(f"{USERS}/usr_1/suspend", {})
    drain_outbox()
    held = service.get(path_of(session)).json()["session"]
    service.post(f"{USERS}/usr_1/resume")
    drain_outbox()
    released = service.get(path_of(session)).json()["session"]

    assert (held["hold"], released["hold"]) == ("SUSPENDED", "")


def test_a_suspended_users_session_can_still_be_read_stopped_and_deleted(service):
    session = session_of_user(SessionStatus.CONNECTED)
    service.post(f"{USERS}/usr_1/suspend", {})

    answers = [
        service.get(path_of(session)),
        service.post(path_of(session, "/stop")),
        service.delete(path_of(session)),
    ]

    assert [answer.status_code for answer in answers] == [200, 202, 200]


def test_g14_sessions_are_listed_in_pages_without_a_query_per_row(
    service, django_assert_num_queries
):
    for _ in range(30):
        session_of_user()
    service.get(SESSIONS)

    with django_assert_num_queries(3):  # key, user, page
        page = service.get(SESSIONS, limit=20).json()
    rest = service.get(SESSIONS, limit=20, cursor=page["next_cursor"]).json()

    assert (len(page["sessions"]), len(rest["sessions"]), rest["next_cursor"]) == (20, 10, None)


def test_the_list_is_narrowed_by_status(service):
    session_of_user()
    connected = session_of_user(SessionStatus.CONNECTED)

    page = service.get(SESSIONS, status="CONNECTED").json()

    assert [row["id"] for row in page["sessions"]] == [connected.public_id]


def test_usage_counts_the_sessions_of_the_user(service):
    service.post(SESSIONS, {"session_name": "s"})

    usage = service.get(f"{USERS}/usr_1/usage").json()

    sessions = next(row for row in usage["features"] if row["feature"] == "sessions")
    assert (sessions["used"], sessions["limit"], sessions["resets_at"]) == (1, 2, None)
    assert sessions["days"][-1]["used"] == 1


def test_a_usage_of_no_days_is_refused(service):
    assert service.get(f"{USERS}/usr_1/usage", days=0).status_code == 400


def test_a_global_key_names_the_service_whose_sessions_it_means(service):
    session = session_of_user()
    Service("other").post(body=contract("usr_1"))
    everybody = Service("")

    unnamed = everybody.get(SESSIONS)
    named = everybody.get(SESSIONS, source="app")

    assert unnamed.status_code == 409
    assert [row["id"] for row in named.json()["sessions"]] == [session.public_id]
