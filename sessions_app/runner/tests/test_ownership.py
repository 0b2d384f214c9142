"""Who holds a session, from one runner to the next."""

import time

import pytest
from django.utils import timezone

from sessions_app.messaging.models import Message
from sessions_app.models import Lease, Runner
from sessions_app.runner.tests.test_runner import (
    becomes,
    connect,
    eventually,
    prepared,
    running,
)
from sessions_app.services import leases, lifecycle, simulation
from sessions_app.states import SessionStatus

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_drain_hands_the_sessions_on():
    session = prepared()
    with running("runner-1"):
        connect(session)

    session.refresh_from_db()
    assert (session.status, session.reason) == (
        SessionStatus.DISCONNECTED,
        "the runner stopped",
    )
    assert not Runner.objects.filter(node="runner-1").exists()

    with running("runner-2"):
        becomes(session, SessionStatus.CONNECTED)

    assert Lease.objects.get(pk=session.pk).epoch == 2
    assert session.transitions.filter(new=SessionStatus.PAIRING).count() == 1


def test_a_runner_that_lost_its_lease_can_not_write():
    session = prepared()

    with running("runner-1"):
        connect(session)
        Lease.objects.filter(pk=session.pk).update(owner="runner-2", epoch=2)
        simulation.inbound(
            session=session, now=timezone.now(), sender="+14155550123", text="hi"
        )
        lifecycle.stop(session=session, now=timezone.now())
        eventually(lambda: Lease.objects.get(pk=session.pk).owner == "runner-2")
        time.sleep(1)

    session.refresh_from_db()
    assert session.status == SessionStatus.CONNECTED
    assert Lease.objects.get(pk=session.pk).owner == "runner-2"
    assert not Message.objects.filter(session=session).exists()


def test_a_session_that_was_taken_back_has_one_connection():
    session = prepared()

    with running("runner-1"):
        connect(session)
        Lease.objects.filter(pk=session.pk).update(owner="", expires_at=None)
        eventually(lambda: session.transitions.filter(epoch=2, new="CONNECTED").exists())
        becomes(session, SessionStatus.CONNECTED)

    assert not session.transitions.filter(new=SessionStatus.REPLACED).exists()


def test_no_two_owners_of_an_epoch():
    sessions = [prepared() for _ in range(6)]

    with running("runner-1"), running("runner-2"):
        for session in sessions:
            connect(session)
        owners = dict(Lease.objects.values_list("pk", "owner"))

    assert set(owners) == {session.pk for session in sessions}
    assert set(owners.values()) <= {"runner-1", "runner-2"}
    assert leases.LEASE_TTL > leases.RENEW_EVERY * 2
