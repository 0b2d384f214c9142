"""What every engine event does to the state of its session."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from orsta.core.outbox.models import OutboxEvent
from sessions_app.engines import events
from sessions_app.engines.content import ReceiptKind
from sessions_app.failures import failure
from sessions_app.ingest.states import observe
from sessions_app.models import PairingChallenge, Session, SessionTransition
from sessions_app.services.lifecycle import IllegalTransition
from sessions_app.states import DesiredState, SessionStatus
from sessions_app.tests.factories import make_session

pytestmark = pytest.mark.django_db

S = SessionStatus
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
JID = "15550100001@s.whatsapp.net"
ADA = "15550100123@s.whatsapp.net"


@dataclass(frozen=True)
class Case:
    """An event, where the session is, and where it goes."""

    event: events.EngineEvent
    old: SessionStatus
    new: SessionStatus
    desired: DesiredState = DesiredState.RUNNING
    reason: str = ""
    code: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ()


MOVES = [
    Case(
        events.ChallengeIssued("code", 1, timedelta(seconds=60)),
        S.STARTING,
        S.PAIRING,
        reason="waiting for a scan",
        told=("session.status.pairing", "session.qr.updated"),
    ),
    Case(
        events.Paired(JID, "Ada"),
        S.PAIRING,
        S.STARTING,
        reason="paired",
        columns={"jid": JID, "push_name": "Ada"},
        told=("session.status.starting",),
    ),
    Case(
        events.Connected(JID),
        S.STARTING,
        S.CONNECTED,
        columns={"jid": JID, "retry_at": None},
        told=("session.status.connected",),
    ),
    Case(
        events.PasskeyRequested({"challenge": "abc"}, timedelta(minutes=5)),
        S.PAIRING,
        S.PASSKEY_REQUIRED,
        reason="WhatsApp asks for the account's passkey",
        told=("session.status.passkey_required", "session.passkey.requested"),
    ),
    Case(
        events.PasskeyConfirmation("12345678", timedelta(minutes=5)),
        S.PASSKEY_REQUIRED,
        S.PASSKEY_CONFIRMATION,
        reason="the passkey was taken; compare the codes",
        told=("session.status.passkey_confirmation", "session.passkey.confirmation"),
    ),
    Case(
        events.Degraded("no pong for 60 s"),
        S.CONNECTED,
        S.DEGRADED,
        reason="WhatsApp does not answer on the open connection; it is being checked.",
        code="not_answering",
        columns={"jid": JID},
        told=("session.status.degraded",),
    ),
    Case(
        events.ConnectFailed("405", "client too old"),
        S.STARTING,
        S.FAULTED,
        desired=DesiredState.STOPPED,
        reason=failure("405").sentence,
        code="client_outdated",
        told=("session.status.faulted", "session.alert"),
    ),
    Case(
        events.Restricted(LATER),
        S.CONNECTED,
        S.RESTRICTED,
        reason=failure("463").sentence,
        code="new_chats_refused",
        columns={"jid": JID, "retry_at": LATER},
        told=("session.status.restricted", "session.alert"),
    ),
    Case(
        events.PairingFailed("The phone refused."),
        S.PAIRING,
        S.PAIRING_EXPIRED,
        desired=DesiredState.STOPPED,
        reason="The phone refused.",
        code="pairing_failed",
        told=("session.status.pairing_expired",),
    ),
    Case(
        events.Disconnected("The socket closed."),
        S.CONNECTED,
        S.DISCONNECTED,
        reason="The socket closed.",
        told=("session.status.disconnected",),
    ),
    Case(
        events.PairingTimedOut(),
        S.PAIRING,
        S.PAIRING_EXPIRED,
        desired=DesiredState.STOPPED,
        reason="Nobody scanned the code in time.",
        code="pairing_timed_out",
        told=("session.status.pairing_expired",),
    ),
    Case(
        events.LoggedOut("The phone removed the device."),
        S.CONNECTED,
        S.LOGGED_OUT,
        desired=DesiredState.STOPPED,
        reason="The phone removed the device.",
        code="logged_out",
        columns={"jid": ""},
        told=("session.status.logged_out",),
    ),
    Case(
        events.Replaced(),
        S.CONNECTED,
        S.REPLACED,
        desired=DesiredState.STOPPED,
        reason=failure("replaced").sentence,
        code="replaced",
        columns={"jid": JID},
        told=("session.status.replaced", "session.alert"),
    ),
    Case(
        events.TemporarilyBanned(101, LATER),
        S.CONNECTED,
        S.BANNED,
        reason="WhatsApp refuses this account for a while: it wrote to too many people who "
        "did not have it in their contacts.",
        code="temporary_ban",
        columns={"jid": JID, "retry_at": LATER},
        told=("session.status.banned", "session.alert"),
    ),
]
STAYS = [
    (events.MessageReceived("WA1", ADA, ADA, "hi", NOON), ()),
    (events.ReceiptReceived(("WA1",), ReceiptKind.READ, NOON), ()),
    (events.MessagesRead(ADA, ("WA1",), NOON), ()),
    (events.TypingShown(ADA), ("session.typing_shown",)),
    (events.PresenceChanged(ADA, "composing"), ("contact.presence_changed",)),
    (events.HistoryReceived((events.MessageReceived("WA0", ADA, ADA, "old", NOON),)), ()),
    (events.ReactionReceived(ADA, ADA, "WA1", "👍", NOON), ()),
    (events.MessageEdited(ADA, ADA, "WA1", "hello", NOON), ()),
    (events.MessageRevoked(ADA, ADA, "WA1", NOON), ()),
    (events.IdentityMapped("123@lid", "15550100123"), ()),
    (events.IdentityChanged(ADA), ()),
    (events.ContactsChanged(), ()),
]


def told() -> tuple[str, ...]:
    return tuple(OutboxEvent.objects.order_by("pk").values_list("name", flat=True))


def kind_of(case: Case) -> str:
    return type(case.event).__name__


@pytest.mark.parametrize("case", MOVES, ids=kind_of)
def test_an_event_moves_the_session(case):
    session = make_session(status=case.old)
    OutboxEvent.objects.all().delete()

    observe(session, case.event, now=NOON, epoch=7)

    row = Session.objects.get(pk=session.pk)
    assert (row.status, row.desired, row.reason) == (case.new, case.desired, case.reason)
    assert row.reason_code == case.code
    assert row.status_changed_at == NOON
    assert {name: getattr(row, name) for name in case.columns} == case.columns
    step = SessionTransition.objects.get(session=session)
    assert (step.old, step.new, step.reason) == (case.old, case.new, case.reason)
    assert step.reason_code == case.code
    assert (step.epoch, step.at) == (7, NOON)
    assert told() == case.told


@pytest.mark.parametrize(("event", "names"), STAYS, ids=lambda part: type(part).__name__)
def test_traffic_leaves_the_session_where_it_is(event, names):
    session = make_session(status=S.CONNECTED)
    OutboxEvent.objects.all().delete()

    observe(session, event, now=NOON, epoch=7)

    assert Session.objects.get(pk=session.pk).status == S.CONNECTED
    assert not SessionTransition.objects.filter(session=session).exists()
    assert told() == names


def test_no_engine_event_is_forgotten_here():
    seen = {type(case.event) for case in MOVES} | {type(event) for event, _ in STAYS}

    assert seen == set(get_args(events.EngineEvent))


def test_a_newer_code_takes_the_place_of_the_one_before_it():
    session = make_session(status=S.STARTING)

    for seq, seconds in enumerate((60, 20), start=1):
        code = events.ChallengeIssued(f"code {seq}", seq, timedelta(seconds=seconds))
        observe(session, code, now=NOON, epoch=1)

    kept = PairingChallenge.objects.get(session=session)
    assert (kept.text, kept.seq) == ("code 2", 2)
    assert kept.expires_at == NOON + timedelta(seconds=20)
    assert SessionTransition.objects.filter(session=session).count() == 1
    assert told()[-2:] == ("session.qr.updated", "session.qr.updated")


def test_the_code_is_gone_once_somebody_scanned_it():
    session = make_session(status=S.STARTING)
    code = events.ChallengeIssued("code", 1, timedelta(seconds=60))
    observe(session, code, now=NOON, epoch=1)

    observe(session, events.Paired(JID), now=NOON, epoch=1)

    assert not PairingChallenge.objects.filter(session=session).exists()


def test_an_event_that_makes_no_sense_changes_nothing():
    session = make_session(status=S.LOGGED_OUT)
    OutboxEvent.objects.all().delete()

    with pytest.raises(IllegalTransition):
        observe(session, events.Connected(JID), now=NOON, epoch=1)

    assert Session.objects.get(pk=session.pk).status == S.LOGGED_OUT
    assert told() == ()
