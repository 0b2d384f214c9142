"""Staff decide about commands of which nobody knows whether they were done."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import make_user
from sessions_app.models import Command
from sessions_app.services import commands
from sessions_app.states import CommandKind, CommandState, SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db
CHANGE = {"message_id": "", "target_id": "msg_1", "kind": "edit"}


def make_command(kind=CommandKind.CHECK_NUMBERS, *, state=CommandState.UNKNOWN, payload=None):
    session = make_session(status=SessionStatus.CONNECTED)
    return Command.objects.create(
        tenant=session.tenant,
        session=session,
        kind=kind,
        state=state,
        payload=payload or {},
        attempts=3,
        error="The runner ended.",
        dedupe_key="cmd_asked",
        created_at=timezone.now(),
        expires_at=timezone.now(),
        finished_at=timezone.now(),
    )


def settle(command, verdict, reason="The phone shows nothing."):
    browser = Client()
    browser.force_login(make_user(is_staff=True, is_superuser=True))
    given = {"verdict": verdict, "reason": reason, "_form_submitted": "True"}
    address = reverse("admin:sessions_app_command_settle", args=[command.pk])
    return browser.post(address, given)


@pytest.mark.parametrize("kind", [kind for kind in CommandKind if kind != CommandKind.SEND])
def test_a_command_runs_again_in_its_place_and_under_its_name(kind):
    command = make_command(kind)

    settle(command, "again")

    (waiting,) = commands.waiting(
        session_ids=[command.session_id], sends=False, now=timezone.now(), limit=10
    )[command.session_id]
    assert (waiting.pk, waiting.dedupe_key) == (command.pk, "cmd_asked")
    assert (waiting.state, waiting.attempts, waiting.error) == (CommandState.QUEUED, 0, "")
    assert (waiting.expires_at, waiting.finished_at) == (None, None)


def test_a_command_is_called_failed_and_says_why_as_before():
    command = make_command()

    settle(command, "failed")

    command.refresh_from_db()
    assert (command.state, command.error) == (CommandState.FAILED, "The runner ended.")


def test_a_change_of_a_message_has_no_status_of_its_own_and_is_settled_here():
    command = make_command(CommandKind.SEND, payload=CHANGE)

    settle(command, "again")

    assert Command.objects.get().state == CommandState.QUEUED


def test_a_message_is_settled_on_its_own_page():
    command = make_command(CommandKind.SEND, payload={"message_id": "msg_1"})

    settle(command, "again")

    assert Command.objects.get().state == CommandState.UNKNOWN
    assert not AuditEntry.objects.filter(action="command.settled").exists()


@pytest.mark.parametrize(
    "state", [state for state in CommandState if state != CommandState.UNKNOWN]
)
def test_what_is_known_can_not_be_settled(state):
    command = make_command(state=state)

    settle(command, "failed")

    assert Command.objects.get().state == state
    assert not AuditEntry.objects.filter(action="command.settled").exists()


def test_the_audit_log_has_who_decided_what_and_why():
    command = make_command()

    settle(command, "failed", "Nobody needs it.")

    entry = AuditEntry.objects.get(action="command.settled")
    assert (entry.target, entry.reason) == (command.session.public_id, "Nobody needs it.")
    told = {"command": command.pk, "kind": "CHECK_NUMBERS", "verdict": "failed"}
    assert entry.detail == told


def test_a_reason_is_asked_for():
    settle(make_command(), "failed", reason="")

    assert Command.objects.get().state == CommandState.UNKNOWN
