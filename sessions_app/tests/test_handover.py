"""What a runner that stops says of all its sessions at once."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orsta.core.outbox.models import OutboxEvent
from sessions_app.models import SessionTransition
from sessions_app.services import handover
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_customer, make_session

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
S = SessionStatus


def test_sessions_are_disconnected_and_everybody_is_told():
    connected, linking = make_session(status=S.CONNECTED), make_session(status=S.PAIRING)
    OutboxEvent.objects.all().delete()

    assert handover.disconnect(epochs={connected: 4, linking: 7}, now=NOON) == 2

    for session in (connected, linking):
        session.refresh_from_db()
        assert (session.status, session.reason) == (S.DISCONNECTED, "the runner stopped")
    steps = SessionTransition.objects.order_by("pk").values_list("old", "new", "epoch")
    assert list(steps) == [("CONNECTED", "DISCONNECTED", 4), ("PAIRING", "DISCONNECTED", 7)]
    told = OutboxEvent.objects.order_by("pk")
    assert [event.name for event in told] == ["session.status.disconnected"] * 2
    assert told[0].payload["previous"] == S.CONNECTED


def test_what_can_not_or_did_already_change_stays_as_it_is():
    stopped = make_session(status=S.STOPPED)
    raced = make_session(status=S.CONNECTED)
    type(raced).objects.filter(pk=raced.pk).update(status=S.LOGGED_OUT)

    assert handover.disconnect(epochs={stopped: 1, raced: 1}, now=NOON) == 0

    stopped.refresh_from_db()
    raced.refresh_from_db()
    assert (stopped.status, raced.status) == (S.STOPPED, S.LOGGED_OUT)
    assert not SessionTransition.objects.exists()


def test_the_number_of_statements_does_not_grow_with_the_sessions():
    def statements(number):
        tenant = make_customer()
        made = [make_session(tenant=tenant, status=S.CONNECTED) for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            assert handover.disconnect(epochs=dict.fromkeys(made, 1), now=NOON) == number
        return len(queries)

    assert statements(50) == statements(2)
