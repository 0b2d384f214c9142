"""A runner that staff ask to drain gives its sessions to another and ends."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_app.models import Lease, Runner
from sessions_app.runner.tests.test_runner import connect, eventually, prepared, running
from sessions_app.services import leases, runners
from sessions_app.states import SessionStatus

pytestmark = pytest.mark.django_db(transaction=True)


def owner_of(session):
    return Lease.objects.values_list("owner", flat=True).get(pk=session.pk)


def test_another_runner_takes_over_without_a_new_code(monkeypatch):
    monkeypatch.setattr(leases, "RENEW_EVERY", timedelta(seconds=0.2))
    session = prepared()

    with running("first"), running("second"):
        connect(session)
        leaving = owner_of(session)
        staying = "second" if leaving == "first" else "first"
        runner = Runner.objects.get(node=leaving)
        runners.request_drain(
            runner=runner, reason="new kernel", now=timezone.now(), actor="usr_1"
        )

        eventually(lambda: owner_of(session) == staying)
        eventually(lambda: not Runner.objects.filter(node=leaving).exists())
        eventually(lambda: session.transitions.filter(new=SessionStatus.CONNECTED).count() == 2)
        assert Runner.objects.get().node == staying
