"""Double clicks, and wishes that meet each other, while a device is being linked."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orsta.core.outbox.models import OutboxEvent
from sessions_app.engines import events
from sessions_app.ingest.states import observe
from sessions_app.models import Command, Session
from sessions_app.services import lifecycle, pairing
from sessions_app.states import CommandKind, DesiredState, SessionStatus
from sessions_app.tests.factories import finish, make_session

pytestmark = pytest.mark.django_db

S = SessionStatus
MINUTE = timedelta(minutes=1)
PHONE = "15550100123"


@pytest.fixture
def typing():
    """A session that shows a code to type."""
    session = make_session(status=S.STARTING)
    now = timezone.now()
    observe(session, events.ChallengeIssued("code 1", 1, MINUTE), now=now, epoch=1)
    pairing.offer_code(session=session, code="ABCD-EFGH", valid_for=MINUTE, now=now, epoch=1)
    return session


def kinds(session):
    return list(session.commands.order_by("pk").values_list("kind", flat=True))


def test_who_asks_for_the_qr_code_twice_begins_anew_once(typing):
    for _ in range(2):
        pairing.want_qr(session=typing, now=timezone.now())

    assert kinds(typing) == [CommandKind.RECONNECT]


def test_a_pairing_that_began_anew_can_do_so_again(typing):
    pairing.want_qr(session=typing, now=timezone.now())
    finish(Command.objects.get())

    pairing.want_qr(session=typing, now=timezone.now())

    assert kinds(typing) == [CommandKind.RECONNECT] * 2


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_begin_anew_once(typing, race):
    race(8, lambda: pairing.want_qr(session=typing, now=timezone.now()))

    assert kinds(typing) == [CommandKind.RECONNECT]


@pytest.mark.django_db(transaction=True)
def test_a_phone_gets_one_code_however_often_somebody_clicks(race):
    session = make_session(status=S.PAIRING)

    asked = race(
        8,
        lambda: pairing.request_code(session=session, phone=PHONE, now=timezone.now()).pk,
    )

    assert asked == [Command.objects.get().pk] * 8


def test_another_phone_or_a_later_request_is_another_command():
    session, now = make_session(status=S.PAIRING), timezone.now()
    first = pairing.request_code(session=session, phone=PHONE, now=now)

    other = pairing.request_code(session=session, phone="15550100124", now=now)
    late = pairing.request_code(session=session, phone=PHONE, now=first.expires_at)
    finish(late)
    again = pairing.request_code(session=session, phone=PHONE, now=first.expires_at)

    assert len({first.pk, other.pk, late.pk, again.pk}) == 4


def test_a_device_is_unlinked_once_however_often_somebody_clicks():
    session = make_session(status=S.CONNECTED)

    for _ in range(2):
        lifecycle.logout(session=session, now=timezone.now())

    assert kinds(session) == [CommandKind.LOGOUT]


def test_a_code_that_comes_after_the_scan_is_not_shown(typing):
    now = timezone.now()
    observe(typing, events.Paired(f"{PHONE}@s.whatsapp.net", "Al"), now=now, epoch=1)

    with pytest.raises(lifecycle.IllegalTransition):
        pairing.offer_code(session=typing, code="IJKL-MNOP", valid_for=MINUTE, now=now, epoch=1)

    assert Session.objects.get(pk=typing.pk).status == S.STARTING


@pytest.mark.parametrize("ask", ["qr", "code"])
def test_a_session_that_should_rest_is_wanted_by_who_asks_for_a_code(ask):
    new = make_session(status=S.CREATED)
    closing = make_session(status=S.PAIRING, desired=DesiredState.STOPPED)

    for session in (new, closing):
        if ask == "qr":
            pairing.want_qr(session=session, now=timezone.now())
        else:
            pairing.request_code(session=session, phone=PHONE, now=timezone.now())

    wanted = Session.objects.filter(desired=DesiredState.RUNNING).values_list("pk", flat=True)
    assert set(wanted) == {new.pk, closing.pk}
    asked = OutboxEvent.objects.get(name="session.provision_requested")
    assert asked.payload["session_id"] == new.public_id


def test_a_session_that_is_being_prepared_is_asked_for_once():
    session = make_session(status=S.CREATED, desired=DesiredState.RUNNING)

    pairing.want_qr(session=session, now=timezone.now())

    assert not OutboxEvent.objects.filter(name="session.provision_requested").exists()
