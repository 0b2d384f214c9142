"""A deletion is for good: nothing that was under way brings a session back."""

import pytest
from django.utils import timezone

from sessions_app import selectors
from sessions_app.engines import events
from sessions_app.ingest.states import observe
from sessions_app.models import Command, Session
from sessions_app.services import lifecycle, pairing, provisioning
from sessions_app.states import DesiredState, SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db

S = SessionStatus
JID = "15550100001@s.whatsapp.net"


def deleted_meanwhile(**fields):
    """Return a session as somebody read it who does not know that it was deleted since."""
    session = make_session(**fields)
    fresh = Session.objects.get(pk=session.pk)
    provisioning.delete_session(session=fresh, now=timezone.now())
    return session


def is_gone(session):
    session = Session.objects.get(pk=session.pk)
    present = selectors.sessions_of(session.tenant).filter(pk=session.pk).exists()
    return session.desired == DesiredState.DELETED and not present


@pytest.mark.parametrize(
    ("service", "status"),
    [
        (lifecycle.start, S.STOPPED),
        (lifecycle.start, S.PAIRING),
        (lifecycle.stop, S.CONNECTED),
        (lifecycle.stop, S.BANNED),
        (lifecycle.reconnect, S.CONNECTED),
        (lifecycle.logout, S.CONNECTED),
        (pairing.want_qr, S.PAIRING_EXPIRED),
    ],
)
def test_what_is_asked_of_a_deleted_session_finds_none(service, status):
    session = deleted_meanwhile(status=status)

    with pytest.raises(selectors.SessionNotFound):
        service(session=session, now=timezone.now())

    assert is_gone(session)
    assert not Command.objects.exists()


def test_a_deleted_session_gets_no_code_to_type():
    session = deleted_meanwhile(status=S.PAIRING)

    with pytest.raises(selectors.SessionNotFound):
        pairing.request_code(session=session, phone="15550100123", now=timezone.now())

    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (events.PairingTimedOut(), S.PAIRING_EXPIRED),
        (events.LoggedOut("401"), S.LOGGED_OUT),
        (events.ConnectFailed("405"), S.FAULTED),
        (events.Replaced(), S.REPLACED),
    ],
)
def test_the_last_words_of_an_engine_do_not_bring_it_back(event, status):
    session = deleted_meanwhile(status=S.PAIRING)

    observe(session, event, now=timezone.now(), epoch=1)

    assert is_gone(session)
    session.refresh_from_db()
    assert session.status == status


def test_a_connection_that_is_closed_meanwhile_does_not_bring_it_back():
    session = deleted_meanwhile(status=S.CONNECTED, desired=DesiredState.STOPPED)

    lifecycle.settle_stop(session, now=timezone.now(), reason="stop requested", epoch=1)

    assert is_gone(session)


def test_a_preparation_that_fails_does_not_bring_it_back():
    session = deleted_meanwhile(status=S.CREATED, desired=DesiredState.RUNNING)

    provisioning.fail_provisioning(session_id=session.pk, reason="no", now=timezone.now())

    assert is_gone(session)


@pytest.mark.django_db(transaction=True)
def test_a_start_that_races_with_the_deletion_takes_no_place(race):
    tenant = make_customer(max_sessions=1)
    session = provisioning.create_session(
        tenant=tenant, now=timezone.now(), name="a", auto_connect=False
    )
    services = [provisioning.delete_session, *[lifecycle.start] * 3]

    race(4, lambda: services.pop()(session=session, now=timezone.now()))

    assert is_gone(session)
    provisioning.create_session(tenant=tenant, now=timezone.now(), name="b")
    assert selectors.sessions_of(tenant).count() == 1
