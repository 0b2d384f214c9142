"""Codes to scan and to type, passkeys, and how often a session may ask for them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orsta.core.outbox.models import OutboxEvent
from sessions_app import selectors
from sessions_app.engines import events
from sessions_app.ingest.states import observe
from sessions_app.models import Command, PairingChallenge, SessionTransition
from sessions_app.services import attempts, capabilities, lifecycle, pairing
from sessions_app.states import ChallengeKind, CommandKind, DesiredState, SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db

S = SessionStatus
MINUTE = timedelta(minutes=1)
PHONE = "15550100123"


@pytest.fixture
def scanning():
    """A session that shows its first QR code."""
    session = make_session(status=S.STARTING)
    code = events.ChallengeIssued("code 1", 1, MINUTE)
    observe(session, code, now=timezone.now(), epoch=1)
    return session


def shown(session):
    challenge = PairingChallenge.objects.get(session=session)
    return challenge.kind, challenge.text


def paired_before(session, *times):
    """Let the session have asked for codes at these times."""
    SessionTransition.objects.bulk_create(
        SessionTransition(session=session, old=S.STARTING, new=S.PAIRING, at=at) for at in times
    )


def test_a_typed_code_takes_the_place_of_the_scanned_one(scanning):
    pairing.offer_code(
        session=scanning, code="ABCD-EFGH", valid_for=MINUTE, now=timezone.now(), epoch=1
    )

    assert shown(scanning) == (ChallengeKind.CODE, "ABCD-EFGH")


def test_nobody_learns_a_code_from_an_event(scanning):
    OutboxEvent.objects.all().delete()

    pairing.offer_code(
        session=scanning, code="ABCD-EFGH", valid_for=MINUTE, now=timezone.now(), epoch=1
    )

    event = OutboxEvent.objects.get()
    assert event.name == "session.pairing_code.updated"
    assert set(event.payload) == {"session_id", "seq", "expires_at"}


def test_a_qr_code_that_follows_in_the_same_attempt_leaves_the_typed_one(scanning):
    now = timezone.now()
    pairing.offer_code(session=scanning, code="ABCD-EFGH", valid_for=MINUTE, now=now, epoch=1)

    observe(scanning, events.ChallengeIssued("code 2", 2, MINUTE), now=now, epoch=1)

    assert shown(scanning) == (ChallengeKind.CODE, "ABCD-EFGH")


def test_a_qr_code_of_a_new_attempt_replaces_the_typed_one(scanning):
    now = timezone.now()
    pairing.offer_code(session=scanning, code="ABCD-EFGH", valid_for=MINUTE, now=now, epoch=1)

    observe(scanning, events.ChallengeIssued("new code", 1, MINUTE), now=now, epoch=2)

    assert shown(scanning) == (ChallengeKind.QR, "new code")


def test_asking_for_qr_codes_after_a_typed_one_begins_anew(scanning):
    now = timezone.now()
    pairing.offer_code(session=scanning, code="ABCD-EFGH", valid_for=MINUTE, now=now, epoch=1)

    pairing.want_qr(session=scanning, now=now)

    assert Command.objects.get(session=scanning).kind == CommandKind.RECONNECT


def test_asking_for_qr_codes_that_are_shown_changes_nothing(scanning):
    pairing.want_qr(session=scanning, now=timezone.now())

    assert not Command.objects.exists()


def test_asking_for_a_qr_code_starts_a_session_without_a_device():
    session = make_session(status=S.STOPPED)

    changed = pairing.want_qr(session=session, now=timezone.now())

    assert (changed.status, changed.desired) == (S.STARTING, DesiredState.RUNNING)


def test_asking_for_a_qr_code_leaves_a_stopped_device_alone():
    session = make_session(status=S.STOPPED, jid=f"{PHONE}@s.whatsapp.net")

    assert pairing.want_qr(session=session, now=timezone.now()).status == S.STOPPED


def test_a_typed_code_is_asked_for_by_a_command_that_expires(scanning):
    now = timezone.now()

    command = pairing.request_code(session=scanning, phone=PHONE, now=now)

    assert (command.kind, command.payload) == (CommandKind.PAIR_CODE, {"phone": PHONE})
    assert command.expires_at == now + timedelta(seconds=60)
    assert command.dedupe_key.startswith("cmd_")


def test_a_typed_code_starts_a_session_too():
    session = make_session(status=S.PAIRING_EXPIRED)

    pairing.request_code(session=session, phone=PHONE, now=timezone.now())

    session.refresh_from_db()
    assert session.status == S.STARTING


def test_a_linked_session_gets_no_code():
    session = make_session(status=S.CONNECTED)

    with pytest.raises(pairing.AlreadyLinked):
        pairing.request_code(session=session, phone=PHONE, now=timezone.now())

    assert not Command.objects.exists()


def test_an_engine_without_codes_says_what_it_lacks(scanning, only_qr):
    with pytest.raises(capabilities.CapabilityMissing) as refusal:
        pairing.request_code(session=scanning, phone=PHONE, now=timezone.now())

    assert refusal.value.details == {"capability": "pair_code", "engine": "sandbox"}


def test_an_engine_without_passkeys_ends_the_pairing_with_an_explanation(scanning, only_qr):
    observe(scanning, events.PasskeyRequested({}, MINUTE), now=timezone.now(), epoch=1)

    scanning.refresh_from_db()
    assert (scanning.status, scanning.reason_code) == (S.FAULTED, "passkey_unsupported")
    assert "by passkey only" in scanning.reason
    assert scanning.reason.endswith("No engine that can is offered here.")


def test_a_passkey_is_answered_and_confirmed(scanning):
    now = timezone.now()
    observe(scanning, events.PasskeyRequested({"challenge": "x"}, MINUTE), now=now, epoch=1)
    first = pairing.answer_passkey(session=scanning, response={"id": "x"}, now=now)
    observe(scanning, events.PasskeyConfirmation("1234", MINUTE), now=now, epoch=1)
    second = pairing.confirm_passkey(session=scanning, code="1234", now=now)

    assert (first.kind, first.payload) == (
        CommandKind.ANSWER_PASSKEY,
        {"response": {"id": "x"}},
    )
    assert (second.kind, second.payload) == (CommandKind.CONFIRM_PASSKEY, {"code": "1234"})
    assert shown(scanning) == (ChallengeKind.CONFIRMATION, "1234")


def test_a_passkey_that_nobody_asked_for_is_refused(scanning):
    with pytest.raises(selectors.PasskeyNotRequested):
        pairing.answer_passkey(session=scanning, response={"id": "x"}, now=timezone.now())
    with pytest.raises(selectors.PasskeyNotRequested):
        pairing.confirm_passkey(session=scanning, code="1", now=timezone.now())

    assert not Command.objects.exists()


def test_five_pairings_within_an_hour_are_enough():
    session, now = make_session(status=S.PAIRING_EXPIRED), timezone.now()
    paired_before(session, *(now - minutes * MINUTE for minutes in (50, 40, 30, 20, 10)))

    with pytest.raises(attempts.PairingLimitReached) as refusal:
        lifecycle.start(session=session, now=now)

    assert 600 <= refusal.value.details["retry_after"] <= 602  # the oldest is 50 minutes old
    session.refresh_from_db()
    assert session.status == S.PAIRING_EXPIRED


def test_a_reconnect_of_an_unlinked_session_is_a_pairing_too(scanning):
    now = timezone.now()
    paired_before(scanning, *(now - minutes * MINUTE for minutes in (40, 30, 20, 10)))

    with pytest.raises(attempts.PairingLimitReached):
        lifecycle.reconnect(session=scanning, now=now)

    assert not Command.objects.exists()


def test_the_pairings_of_an_hour_ago_do_not_count():
    session, now = make_session(status=S.PAIRING_EXPIRED), timezone.now()
    paired_before(session, *(now - minutes * MINUTE for minutes in (61, 40, 30, 20, 10)))

    assert lifecycle.start(session=session, now=now).status == S.STARTING


def test_a_session_with_a_device_needs_no_pairing():
    session, now = make_session(status=S.STOPPED, jid=f"{PHONE}@s.whatsapp.net"), timezone.now()
    paired_before(session, *(now - minutes * MINUTE for minutes in (50, 40, 30, 20, 10)))

    assert lifecycle.start(session=session, now=now).status == S.STARTING


def test_an_engine_that_lost_the_device_pairs_like_one_that_never_had_one():
    session = make_session(status=S.STARTING, jid="15550100123@s.whatsapp.net")

    observe(session, events.ChallengeIssued("code", 1, MINUTE), now=timezone.now(), epoch=1)

    session.refresh_from_db()
    assert (session.status, session.jid) == (S.PAIRING, "")
    pairing.request_code(session=session, phone=PHONE, now=timezone.now())


def test_staff_can_lift_the_limit():
    session, now = make_session(status=S.PAIRING_EXPIRED), timezone.now()
    paired_before(session, *(now - minutes * MINUTE for minutes in (50, 40, 30, 20, 10)))

    attempts.lift(session=session, now=now)

    assert lifecycle.start(session=session, now=now).status == S.STARTING
