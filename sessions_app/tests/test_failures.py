"""What refusals mean, and that nothing but a logout or a deletion gives a device up."""

from datetime import UTC, datetime, timedelta

import pytest

from orsta.core.outbox.models import OutboxEvent
from sessions_app import failures
from sessions_app.engines import events
from sessions_app.failures import COOL_DOWN_MINUTES, FAILURES, Retry
from sessions_app.ingest.states import observe
from sessions_app.models import Command, Session, SessionTransition
from sessions_app.services import restrictions
from sessions_app.states import DesiredState, SessionStatus
from sessions_app.tests.factories import make_session

S = SessionStatus
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)
# WhatsApp's numbers: where the session goes, what the runner does, what it is called.
TABLE = {
    "401": (S.LOGGED_OUT, Retry.NEVER, "logged_out"),
    "402": (S.BANNED, Retry.AT_END, "temporary_ban"),
    "403": (S.LOGGED_OUT, Retry.NEVER, "main_device_gone"),
    "405": (S.FAULTED, Retry.NEVER, "client_outdated"),
    "406": (S.BANNED, Retry.NEVER, "banned"),
    "409": (S.FAULTED, Retry.NEVER, "bad_user_agent"),
    "413": (S.DISCONNECTED, Retry.COOL_DOWN, "cat_expired"),
    "414": (S.DISCONNECTED, Retry.COOL_DOWN, "cat_invalid"),
    "415": (S.DISCONNECTED, Retry.COOL_DOWN, "cat_missing"),
    "418": (S.FAULTED, Retry.NEVER, "client_unknown"),
    "463": (S.RESTRICTED, Retry.AT_END, "new_chats_refused"),
    "500": (S.DISCONNECTED, Retry.SOON, "server_error"),
    "501": (S.DISCONNECTED, Retry.SOON, "experimental"),
    "503": (S.DISCONNECTED, Retry.SOON, "service_unavailable"),
    "515": (S.DISCONNECTED, Retry.SOON, "restart_required"),
}


@pytest.mark.parametrize("number", TABLE)
def test_a_number_of_whatsapps_means(number):
    found = failures.failure(number)

    assert (found.status, found.retry, found.code) == TABLE[number]


def test_every_number_is_in_the_table_above():
    assert {code for code in FAILURES if code.isdigit()} == set(TABLE)


def test_a_number_that_nobody_knows_is_tried_again_slowly_and_staff_are_told():
    found = failures.failure("499")

    assert (found.retry, found.alerts_staff) == (Retry.COOL_DOWN, True)


@pytest.mark.parametrize("found", FAILURES.values(), ids=lambda found: found.code)
def test_every_failure_says_a_sentence(found):
    assert found.sentence[0].isupper()
    assert found.sentence.endswith(".")
    assert len(found.sentence) <= 200
    assert len(found.code) <= 40


def test_no_two_failures_have_one_name():
    assert len(failures.NAMES) == len(FAILURES) + 1


def test_the_waits_grow():
    assert COOL_DOWN_MINUTES == (5, 15, 60)


@pytest.mark.parametrize("code", [101, 102, 103, 104, 106])
def test_a_ban_says_why(code):
    assert failures.BAN_REASONS[code] in failures.ban_sentence(code)


def test_an_unknown_ban_says_its_number():
    assert failures.ban_sentence(199) == "WhatsApp refuses this account for a while: code 199."


@pytest.mark.django_db
@pytest.mark.parametrize("code", [*FAILURES, "499"])
def test_a_refusal_moves_the_session_as_the_table_says(code):
    session, known = make_session(status=S.CONNECTED), failures.failure(code)

    observe(session, events.ConnectFailed(code, "said so"), now=NOON, epoch=3)

    row = Session.objects.get(pk=session.pk)
    assert (row.status, row.reason_code, row.reason) == (
        known.status,
        known.code,
        known.sentence,
    )
    ends = known.retry == Retry.NEVER
    assert row.desired == (DesiredState.STOPPED if ends else DesiredState.RUNNING)
    at_end = NOON + failures.UNKNOWN_TERM if known.retry == Retry.AT_END else None
    assert row.retry_at == at_end
    assert SessionTransition.objects.get(session=session).detail == "said so"
    told = OutboxEvent.objects.filter(name="session.alert").exists()
    assert told == known.alerts_staff


@pytest.mark.django_db
@pytest.mark.parametrize("code", [*FAILURES, "499"])
def test_no_refusal_gives_the_device_up(code):
    session = make_session(status=S.CONNECTED)

    observe(session, events.ConnectFailed(code), now=NOON, epoch=3)

    session.refresh_from_db()
    assert session.desired != DesiredState.DELETED
    assert not Command.objects.exists()  # no logout was ordered


@pytest.mark.django_db
def test_a_refusal_while_disconnected_says_why_without_another_step():
    session = make_session(status=S.DISCONNECTED)
    OutboxEvent.objects.all().delete()

    for _ in range(2):
        observe(session, events.ConnectFailed("413"), now=NOON, epoch=3, retry_at=LATER)

    row = Session.objects.get(pk=session.pk)
    assert (row.reason_code, row.retry_at) == ("cat_expired", LATER)
    assert not SessionTransition.objects.filter(session=session).exists()
    assert list(OutboxEvent.objects.order_by("pk").values_list("name", flat=True)) == [
        "session.status.disconnected",
        "session.alert",
    ]


@pytest.mark.django_db
def test_a_connection_forgets_what_was_wrong():
    session = make_session(status=S.CONNECTED)
    observe(session, events.ConnectFailed("413"), now=NOON, epoch=3, retry_at=LATER)

    observe(session, events.Connected(session.jid), now=NOON, epoch=3)

    row = Session.objects.get(pk=session.pk)
    assert (row.status, row.reason, row.reason_code, row.retry_at) == (
        S.CONNECTED,
        "",
        "",
        None,
    )


@pytest.mark.django_db
def test_a_restriction_ends_with_its_term():
    session = make_session(status=S.CONNECTED)
    observe(session, events.Restricted(LATER), now=NOON, epoch=3)

    assert restrictions.lift_due(now=LATER - timedelta(seconds=1)) == 0
    assert restrictions.lift_due(now=LATER) == 1

    session.refresh_from_db()
    assert (session.status, session.reason_code, session.retry_at) == (S.CONNECTED, "", None)


@pytest.mark.django_db
def test_a_restriction_that_comes_again_lasts_longer():
    session = make_session(status=S.CONNECTED)
    observe(session, events.Restricted(NOON + timedelta(minutes=5)), now=NOON, epoch=3)

    observe(session, events.Restricted(LATER), now=NOON, epoch=3)

    session.refresh_from_db()
    assert (session.status, session.retry_at) == (S.RESTRICTED, LATER)


@pytest.mark.django_db
def test_a_restriction_outlives_a_reconnection():
    session = make_session(status=S.CONNECTED)
    observe(session, events.Restricted(LATER), now=NOON, epoch=3)
    observe(session, events.Disconnected("The socket closed."), now=NOON, epoch=3)

    observe(session, events.Connected(session.jid), now=NOON, epoch=4)

    assert (session.status, session.reason_code, session.retry_at) == (
        S.RESTRICTED,
        "new_chats_refused",
        LATER,
    )


@pytest.mark.django_db
def test_a_restriction_that_ended_while_the_stream_was_down_is_over():
    session = make_session(status=S.CONNECTED)
    observe(session, events.Restricted(LATER), now=NOON, epoch=3)
    observe(session, events.Disconnected("The socket closed."), now=NOON, epoch=3)

    observe(session, events.Connected(session.jid), now=LATER, epoch=4)

    assert (session.status, session.restricted_until) == (S.CONNECTED, None)
