"""What a tenant can ask of a session's life."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orsta.core.outbox.models import OutboxEvent
from sessions_app.models import Command, SessionTransition
from sessions_app.services import admission, lifecycle
from sessions_app.states import CommandKind, DesiredState, SessionStatus
from sessions_app.tests.factories import make_session
from subscriptions.models import Subscription

pytestmark = pytest.mark.django_db


def test_a_stopped_session_starts():
    session = make_session(status=SessionStatus.STOPPED)

    lifecycle.start(session=session, now=timezone.now())

    session.refresh_from_db()
    assert (session.desired, session.status) == (DesiredState.RUNNING, SessionStatus.STARTING)


@pytest.mark.parametrize(
    "status",
    [
        SessionStatus.PAIRING_EXPIRED,
        SessionStatus.LOGGED_OUT,
        SessionStatus.REPLACED,
        SessionStatus.FAULTED,
    ],
)
def test_a_session_that_gave_up_starts_again(status):
    session = make_session(status=status)

    lifecycle.start(session=session, now=timezone.now())

    session.refresh_from_db()
    assert session.status == SessionStatus.STARTING


def test_a_session_that_runs_is_left_alone_by_a_start():
    session = make_session(status=SessionStatus.CONNECTED)

    lifecycle.start(session=session, now=timezone.now())

    session.refresh_from_db()
    assert session.status == SessionStatus.CONNECTED
    assert not SessionTransition.objects.filter(session=session).exists()


def test_a_start_needs_a_plan_that_runs():
    session = make_session(status=SessionStatus.STOPPED)
    past = timezone.now() - timedelta(days=1)
    Subscription.objects.filter(tenant=session.tenant).update(
        starts_at=past - timedelta(days=30), ends_at=past
    )

    with pytest.raises(admission.NotEntitled):
        lifecycle.start(session=session, now=timezone.now())

    session.refresh_from_db()
    assert (session.desired, session.status) == (DesiredState.STOPPED, SessionStatus.STOPPED)


def test_a_banned_session_waits_for_the_end_of_the_ban():
    session = make_session(status=SessionStatus.BANNED)

    with pytest.raises(admission.StillBanned) as refusal:
        lifecycle.start(session=session, now=timezone.now())

    assert "until" in refusal.value.details
    session.refresh_from_db()
    assert session.status == SessionStatus.BANNED


def test_a_start_of_an_unprepared_session_asks_for_the_preparation():
    session = make_session(status=SessionStatus.FAULTED, provisioned_at=None)

    lifecycle.start(session=session, now=timezone.now())

    names = list(
        OutboxEvent.objects.filter(shard=lifecycle.shard_of(session)).values_list(
            "name", flat=True
        )
    )
    assert names == ["session.provision_requested"]


def test_a_stop_only_says_what_is_wanted():
    session = make_session(status=SessionStatus.CONNECTED)

    lifecycle.stop(session=session, now=timezone.now())

    session.refresh_from_db()
    assert (session.desired, session.status) == (DesiredState.STOPPED, SessionStatus.CONNECTED)


def test_a_start_that_overtakes_the_stop_wins():
    session = make_session(status=SessionStatus.CONNECTED)
    lifecycle.stop(session=session, now=timezone.now())
    lifecycle.start(session=session, now=timezone.now())

    lifecycle.settle_stop(session, now=timezone.now(), reason="stop requested", epoch=1)

    session.refresh_from_db()
    assert (session.desired, session.status) == (DesiredState.RUNNING, SessionStatus.STARTING)


def test_a_reconnect_is_a_command():
    session = make_session(status=SessionStatus.CONNECTED)

    lifecycle.reconnect(session=session, now=timezone.now())

    assert Command.objects.get(session=session).kind == CommandKind.RECONNECT


def test_a_stopped_session_has_nothing_to_reconnect():
    session = make_session(status=SessionStatus.STOPPED)

    with pytest.raises(lifecycle.NotRunning):
        lifecycle.reconnect(session=session, now=timezone.now())

    assert not Command.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_racing_transitions_one_wins(race):
    session = make_session(status=SessionStatus.STARTING)

    def move():
        stale = type(session).objects.get(pk=session.pk)
        stale.status = SessionStatus.STARTING
        lifecycle.transition(stale, SessionStatus.STOPPED, now=timezone.now())

    results = race(8, move)

    assert results.count(None) == 1
    assert SessionTransition.objects.filter(session=session).count() == 1
