"""Gateways are asked for themselves; sessions that disagree are told so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from sessions_app.engines.answers import LiveStatus
from sessions_app.engines.base import EngineError
from sessions_app.engines.webhooks import GatewayReport, GatewaySession
from sessions_app.models import InboxEntry
from sessions_app.services import inbox, surveys
from sessions_app.services.surveys import Findings
from sessions_app.states import DesiredState, GatewayState, Health, SessionStatus
from sessions_app.tests.fake_gateways import listed, make_gateway, make_guest

pytestmark = pytest.mark.django_db
S = SessionStatus


@pytest.fixture
def gateway():
    return make_gateway()


@pytest.fixture
def survey(gateway_engine, gateway):
    """Have the gateway list these, a minute from now."""

    def ask(*entries, minutes: int = 1):
        gateway_engine.answer = lambda: GatewayReport("2.5.1", list(entries))
        now = timezone.now() + timedelta(minutes=minutes)
        found = surveys.survey(gateway_id=gateway.pk, now=now)
        gateway.refresh_from_db()
        return found

    return ask


def test_a_gateway_that_answers_is_up(survey, gateway):
    assert survey() == Findings(told=0, lost=0)

    assert (gateway.health, gateway.version, gateway.error) == (Health.UP, "2.5.1", "")
    assert gateway.checked_at is not None


def test_a_gateway_that_does_not_answer_is_down_since_then(survey, gateway, gateway_engine):
    def fail():
        raise EngineError("It hung up.")

    gateway_engine.answer = fail
    first = timezone.now()
    for minutes in (0, 1):
        now = first + timedelta(minutes=minutes)
        assert surveys.survey(gateway_id=gateway.pk, now=now) is None

    gateway.refresh_from_db()
    assert (gateway.health, gateway.error) == (Health.DOWN, "It hung up.")
    assert (gateway.down_since, gateway.checked_at) == (first, now)
    survey()
    assert (gateway.health, gateway.down_since) == (Health.UP, None)


@pytest.mark.parametrize(
    ("status", "connected", "linked", "told"),
    [
        (S.CONNECTED, True, True, 0),
        (S.RESTRICTED, True, True, 0),
        (S.CONNECTED, False, True, 1),
        (S.CONNECTED, True, False, 1),
        (S.DEGRADED, False, False, 1),
        (S.DISCONNECTED, True, True, 1),
        (S.PAIRING, True, True, 1),
        (S.PAIRING, True, False, 0),
        (S.DISCONNECTED, False, True, 0),
        (S.STOPPED, True, True, 0),  # nobody would read it
        (S.LOGGED_OUT, True, True, 0),
    ],
)
def test_only_sessions_that_disagree_are_told(survey, gateway, status, connected, linked, told):
    session = make_guest(gateway, status=status, desired=DesiredState.RUNNING, jid="1@s")

    found = survey(listed(session, connected=connected, linked=linked))

    assert found == Findings(told=told, lost=0)
    entries = inbox.waiting(session_ids=[session.pk], limit=9).get(session.pk, [])
    assert [inbox.payload_of(entry) for entry in entries] == [{"survey": connected}] * told


def test_a_session_is_told_once_until_it_has_read(survey, gateway):
    session = make_guest(gateway, status=S.CONNECTED)
    assert survey(listed(session, connected=False)).told == 1
    assert survey(listed(session, connected=False), minutes=2).told == 0

    entry = InboxEntry.objects.get()
    inbox.finish(entries={entry.pk: ""}, now=timezone.now())

    assert survey(listed(session, connected=False), minutes=3).told == 1


def test_what_moved_since_the_gateway_was_asked_is_left_alone(survey, gateway):
    session = make_guest(gateway, status=S.CONNECTED)
    new = make_guest(gateway, status=S.CONNECTED)

    found = survey(listed(session, connected=False), minutes=-1)

    assert found == Findings(told=0, lost=0)
    new.refresh_from_db()
    assert new.status == S.CONNECTED


def test_a_session_that_the_gateway_lost_is_logged_out_and_made_anew(survey, gateway):
    session = make_guest(gateway, status=S.CONNECTED)
    other = make_guest(gateway, status=S.CONNECTED)

    assert survey(listed(other, connected=True)) == Findings(told=0, lost=1)

    session.refresh_from_db()
    assert (session.status, session.reason_code) == (S.LOGGED_OUT, "gateway_lost")
    assert (session.desired, session.provisioned_at) == (DesiredState.STOPPED, None)
    entry = AuditEntry.objects.get(action="gateway.session_lost")
    assert entry.target == session.public_id


def test_a_gateway_that_lost_many_at_once_logs_nobody_out(survey, gateway):
    guests = [make_guest(gateway, status=S.CONNECTED) for _ in range(12)]

    assert survey(listed(guests[0], connected=True)) == Findings(told=0, lost=0)

    assert "lost 11 of 12" in gateway.error
    guests[1].refresh_from_db()
    assert guests[1].status == S.CONNECTED


def test_sessions_that_are_not_ours_are_listed_for_staff(survey, gateway):
    session = make_guest(gateway, status=S.CONNECTED)
    elsewhere = make_guest(make_gateway(), status=S.CONNECTED)
    stranger = GatewaySession("bob's own", LiveStatus(connected=True, linked=True), {})

    survey(listed(session, connected=True), listed(elsewhere, connected=True), stranger)

    assert gateway.strangers == sorted(["bob's own", elsewhere.public_id])


def test_a_gateway_in_quarantine_is_asked_but_not_believed(survey, gateway):
    gateway.state = GatewayState.QUARANTINED
    gateway.save()
    session = make_guest(gateway, status=S.CONNECTED)

    assert survey() == Findings(told=0, lost=0)

    session.refresh_from_db()
    assert (gateway.health, session.status) == (Health.UP, S.CONNECTED)


def test_a_pass_costs_the_same_queries_however_many_sessions(
    survey, gateway, django_assert_num_queries
):
    guests = [make_guest(gateway, status=S.CONNECTED) for _ in range(5)]
    entries = [listed(guest, connected=False) for guest in guests]

    with django_assert_num_queries(8):  # two of them savepoints, one the test's own
        assert survey(*entries).told == 5
