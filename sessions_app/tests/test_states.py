"""The life cycle's table, pair by pair."""

from itertools import product

import pytest
from django.utils import timezone

from orsta.core.outbox.models import OutboxEvent
from sessions_app import states
from sessions_app.models import SessionTransition
from sessions_app.services import lifecycle
from sessions_app.states import SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("old", "new"), list(product(SessionStatus, SessionStatus)))
def test_every_step_follows_the_table(old, new):
    session = make_session(status=old, jid="15550100001@s.whatsapp.net")
    OutboxEvent.objects.all().delete()

    if states.allows(old, new):
        lifecycle.transition(session, new, now=timezone.now(), reason="because")

        session.refresh_from_db()
        step = SessionTransition.objects.get(session=session)
        assert (session.status, session.reason) == (new, "because")
        assert (step.old, step.new, step.reason) == (old, new, "because")
        assert [e.name for e in OutboxEvent.objects.all()] == [f"session.status.{new.lower()}"]
    else:
        with pytest.raises(lifecycle.IllegalTransition):
            lifecycle.transition(session, new, now=timezone.now())

        session.refresh_from_db()
        assert session.status == old
        assert not SessionTransition.objects.filter(session=session).exists()
        assert not OutboxEvent.objects.exists()


def test_every_status_has_advice_and_a_place_in_the_table():
    assert set(states.ADVICE) == set(states.TRANSITIONS) == set(SessionStatus)


def test_nothing_leaves_deleted():
    assert states.TRANSITIONS[SessionStatus.DELETED] == frozenset()


def test_every_live_status_can_be_stopped_and_deleted():
    for status in states.LIVE:
        assert {SessionStatus.STOPPED, SessionStatus.DELETED} <= states.TRANSITIONS[status]
