"""What sessions say of themselves while their streams come and go."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_app.models import Lease, Session
from sessions_app.runner.tests.test_holds_and_options import inbound
from sessions_app.runner.tests.test_runner import (
    becomes,
    connect,
    eventually,
    prepared,
    running,
)
from sessions_app.services import simulation
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("kind", ["drop", "restart"])
def test_a_short_interruption_is_nobodys_business(settings, kind):
    settings.ORSTA_FLAP_SECONDS = 60.0
    session = prepared()

    with running():
        connect(session)
        before = session.transitions.count()
        simulation.fault(session=session, now=timezone.now(), kind=kind)
        inbound(session, "after")

        assert session.transitions.count() == before


def test_a_session_whose_engine_is_missing_faults_and_says_so():
    session = make_session(status=SessionStatus.STARTING, engine="steam")

    with running():
        becomes(session, SessionStatus.FAULTED)
        eventually(lambda: Lease.objects.get(pk=session.pk).owner == "")

    assert session.reason_code == "engine_missing"


def test_a_session_that_cools_down_is_not_hurried_by_a_new_runner():
    session = prepared()
    later = timezone.now() + timedelta(minutes=5)
    Session.objects.filter(pk=session.pk).update(
        status=SessionStatus.DISCONNECTED, retry_at=later
    )

    with running():
        eventually(lambda: Lease.objects.get(pk=session.pk).owner)
        time.sleep(1)

    session.refresh_from_db()
    assert (session.status, session.retry_at) == (SessionStatus.DISCONNECTED, later)
