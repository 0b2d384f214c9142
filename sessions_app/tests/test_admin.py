"""What staff do to sessions, and the trace it leaves."""

import re

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import make_user
from sessions_app.models import Command, Runner
from sessions_app.selectors import RUNNER_SILENT_AFTER
from sessions_app.services import commands, simulation
from sessions_app.states import HOLD_ADVICE, CommandKind, DesiredState, Hold, SessionStatus
from sessions_app.tests.factories import end_plan, give_lease, make_session

pytestmark = pytest.mark.django_db
SUBMITTED = {"_form_submitted": "True"}


@pytest.fixture
def staff():
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def client(staff) -> Client:
    browser = Client()
    browser.force_login(staff)
    return browser


def url(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:sessions_app_{model}_{page}", args=args)


def run(client: Client, action: str, session) -> tuple[str, str]:
    response = client.post(url("session", action, session.pk), SUBMITTED)
    assert response.headers["HX-Redirect"] == url("session", "change", session.pk)
    (message,) = get_messages(response.wsgi_request)
    session.refresh_from_db()
    return message.level_tag, str(message)


def test_staff_stop_a_session(client, staff):
    session = make_session(status=SessionStatus.CONNECTED)

    assert run(client, "stop", session) == ("success", "The session stops.")

    assert session.desired == DesiredState.STOPPED
    entry = AuditEntry.objects.order_by("-pk").first()
    assert (entry.action, entry.actor, entry.target, entry.tenant) == (
        "session.stop_requested",
        staff.public_id,
        session.public_id,
        session.tenant,
    )


def test_staff_start_a_session(client):
    session = make_session(status=SessionStatus.STOPPED)

    assert run(client, "start", session) == ("success", "The session starts.")

    assert (session.desired, session.status) == (DesiredState.RUNNING, SessionStatus.STARTING)


def test_staff_reconnect_a_session(client):
    session = make_session(status=SessionStatus.CONNECTED)

    assert run(client, "reconnect", session)[0] == "success"

    assert Command.objects.get(session=session).kind == CommandKind.RECONNECT


def test_what_the_life_cycle_refuses_is_said_and_leaves_no_trace(client):
    session = make_session(status=SessionStatus.STOPPED)
    end_plan(session.tenant)
    entries = AuditEntry.objects.count()

    tag, said = run(client, "start", session)

    assert (tag, said) == ("error", HOLD_ADVICE[Hold.EXPIRED])
    assert session.desired == DesiredState.STOPPED
    assert AuditEntry.objects.count() == entries


def test_a_session_shows_its_history_its_runner_and_what_to_do(client):
    session = make_session(status=SessionStatus.LOGGED_OUT, reason="removed on the phone")
    session.transitions.create(
        old="CONNECTED", new="LOGGED_OUT", reason="removed on the phone", at=timezone.now()
    )
    give_lease(session, owner="runner-7")

    page = client.get(url("session", "change", session.pk)).content.decode()

    assert "removed on the phone" in page
    assert "runner-7, epoch 1" in page
    assert "Start the session and scan a new code." in page


def test_a_command_is_shown_without_what_it_says(client):
    session = make_session(status=SessionStatus.CONNECTED)
    payload = {"message_id": "msg_1", "to": "1@s.whatsapp.net", "text": "a private word"}
    command = commands.queue(
        session=session, kind=CommandKind.SEND, payload=payload, now=timezone.now()
    )

    page = client.get(url("command", "change", command.pk)).content.decode()

    assert "msg_1" in page
    assert "a private word" not in page


def test_nor_is_what_a_simulated_friend_says(client):
    session = make_session(status=SessionStatus.CONNECTED)
    command = simulation.inbound(
        session=session, sender="+15550100123", text="a private word", now=timezone.now()
    )

    page = client.get(url("command", "change", command.pk)).content.decode()

    assert "inbound" in page
    assert "a private word" not in page


@pytest.mark.parametrize(
    ("model", "name"),
    [("session", "stop"), ("session", "move"), ("runner", "drain"), ("command", "settle")],
)
def test_a_row_that_went_meanwhile_is_not_there(client, model, name):
    form = SUBMITTED | {"reason": "maintenance", "verdict": "failed"}

    assert client.post(url(model, name, 999_999_999), form).status_code == 404


def test_a_silent_runner_is_told_from_a_live_one(client):
    now = timezone.now()
    common = {"version": "1", "capacity": 5, "started_at": now}
    Runner.objects.create(node="alive", heartbeat_at=now, **common)
    Runner.objects.create(node="draining", heartbeat_at=now, draining=True, **common)
    Runner.objects.create(node="gone", heartbeat_at=now - RUNNER_SILENT_AFTER, **common)

    page = client.get(url("runner", "changelist")).content.decode()

    labels = re.findall(r">\s*(Alive|Draining|Silent)\s*</span>", page)
    assert sorted(labels) == ["Alive", "Draining", "Silent"]


def test_staff_let_a_session_ask_for_codes_again(client, staff):
    session = make_session(status=SessionStatus.PAIRING_EXPIRED)

    assert run(client, "lift_pairing_limit", session) == ("success", "The limit was lifted.")

    assert session.pairings_counted_from is not None
    entry = AuditEntry.objects.order_by("-pk").first()
    assert (entry.action, entry.actor) == ("session.pairing_limit_lifted", staff.public_id)


def test_the_list_finds_what_needs_attention(client):
    make_session(name="outdated", status=SessionStatus.FAULTED, reason_code="client_outdated")
    make_session(name="unscanned", reason_code="pairing_timed_out")

    page = client.get(url("session", "changelist"), {"attention": "yes"}).content.decode()

    assert "outdated" in page
    assert "unscanned" not in page


@pytest.mark.parametrize(
    ("fields", "section"),
    [
        ({"status": SessionStatus.STOPPED}, "stopped"),
        ({"status": SessionStatus.FAULTED, "reason_code": "crash_loop"}, "crash_loop"),
        ({"hold": Hold.SUSPENDED, "reason_code": "crash_loop"}, "suspended"),
    ],
)
def test_the_advice_points_into_the_runbook(client, fields, section):
    session = make_session(**fields)

    page = client.get(url("session", "change", session.pk)).content.decode()

    assert f'href="/docs/runbook#{section}"' in page
