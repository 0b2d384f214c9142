"""Sessions that were made for a while only."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_app.models import Session
from sessions_app.services import admission, expiration, lifecycle, provisioning
from sessions_app.states import DesiredState, SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_a_session_ends_as_long_after_its_creation_as_it_was_made_for():
    now = timezone.now()

    session = provisioning.create_session(
        tenant=make_customer(), now=now, name="a", expiration_seconds=3600
    )

    assert session.expires_at == now + HOUR


def test_without_an_expiration_a_session_never_ends():
    session = provisioning.create_session(
        tenant=make_customer(), now=timezone.now(), name="a", expiration_seconds=0
    )

    assert session.expires_at is None


def test_setting_it_again_puts_the_end_off_and_zero_takes_it_away():
    now = timezone.now()
    session = make_session(expiration_seconds=60, expires_at=now)

    later = provisioning.update_session(session=session, now=now, expiration_seconds=7200)
    assert later.expires_at == now + 2 * HOUR

    never = provisioning.update_session(session=session, now=now, expiration_seconds=0)
    never.refresh_from_db()
    assert never.expires_at is None


def test_a_change_of_something_else_leaves_the_end_alone():
    end = timezone.now() + HOUR
    session = make_session(expires_at=end)

    provisioning.update_session(session=session, now=timezone.now(), name="b")

    session.refresh_from_db()
    assert session.expires_at == end


def test_sessions_whose_time_is_over_are_stopped_and_keep_their_device():
    now = timezone.now()
    over = make_session(status=SessionStatus.CONNECTED, expires_at=now)
    going_on = make_session(status=SessionStatus.CONNECTED, expires_at=now + HOUR)
    endless = make_session(status=SessionStatus.CONNECTED)

    assert expiration.stop_due(now=now) == 1

    wishes = dict(Session.objects.values_list("pk", "desired"))
    assert wishes[over.pk] == DesiredState.STOPPED
    assert {wishes[going_on.pk], wishes[endless.pk]} == {DesiredState.RUNNING}
    over.refresh_from_db()
    assert over.jid
    assert expiration.stop_due(now=now) == 0


def test_an_expired_session_starts_again_only_with_a_later_end():
    now = timezone.now()
    session = make_session(expires_at=now)

    with pytest.raises(admission.SessionExpired):
        lifecycle.start(session=session, now=now)
    session.refresh_from_db()
    assert session.desired == DesiredState.STOPPED

    provisioning.update_session(session=session, now=now, expiration_seconds=60)
    assert lifecycle.start(session=session, now=now).desired == DesiredState.RUNNING
