"""What somebody has to scan, type or answer to link a device, and what happens then."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from orsta.core import errors, ids
from sessions_app import selectors
from sessions_app.engines import events
from sessions_app.engines.capabilities import Capability
from sessions_app.models import Command, PairingChallenge, Session
from sessions_app.services import capabilities, commands, lifecycle
from sessions_app.states import ChallengeKind, CommandKind, CommandState, SessionStatus

_ORDER_SECONDS = 60  # a code that the runner could not ask for by then is of no use any more


class AlreadyLinked(errors.Conflict):
    """A device is linked."""

    code = "already_linked"


# -- what the engine says --------------------------------------------------------------


@transaction.atomic
def offer(
    *, session: Session, challenge: events.ChallengeIssued, now: datetime, epoch: int
) -> None:
    """Show a new QR code in place of the one before it. An engine with a device has none.

    Engines may go on with their QR codes while somebody types a code; that one stays until
    another attempt begins.
    """
    if session.status != SessionStatus.PAIRING:
        gone = lifecycle.UNLINKED if session.jid else {}
        reason = "waiting for a scan"
        _await(session, SessionStatus.PAIRING, reason, now=now, epoch=epoch, **gone)
    elif challenge.seq > 1 and _is_typed(session, now=now):
        return
    _store(
        session, ChallengeKind.QR, challenge.text, challenge.valid_for, now, seq=challenge.seq
    )


@transaction.atomic
def offer_code(
    *, session: Session, code: str, valid_for: timedelta, now: datetime, epoch: int
) -> None:
    """Show the code to type into the phone, in place of the QR code.

    :raises IllegalTransition: the session was linked or stopped meanwhile.
    """
    if session.jid:
        raise lifecycle.IllegalTransition("A device was linked before the code came.")
    if session.status != SessionStatus.PAIRING:
        _await(session, SessionStatus.PAIRING, "waiting for the code", now=now, epoch=epoch)
    _store(session, ChallengeKind.CODE, code, valid_for, now)


@transaction.atomic
def request_passkey(
    *, session: Session, wanted: events.PasskeyRequested, now: datetime, epoch: int
) -> None:
    """Pass WhatsApp's WebAuthn challenge on. What the engine can't answer, ends here."""
    if not capabilities.has(session, Capability.PASSKEY):
        _refuse_passkey(session, now=now, epoch=epoch)
        return
    if session.status != SessionStatus.PASSKEY_REQUIRED:
        reason = "WhatsApp asks for the account's passkey"
        _await(session, SessionStatus.PASSKEY_REQUIRED, reason, now=now, epoch=epoch)
    _store(session, ChallengeKind.PASSKEY, json.dumps(wanted.options), wanted.valid_for, now)


@transaction.atomic
def request_confirmation(
    *, session: Session, wanted: events.PasskeyConfirmation, now: datetime, epoch: int
) -> None:
    """Show the code that the person has to compare with the phone's."""
    if session.status != SessionStatus.PASSKEY_CONFIRMATION:
        reason = "the passkey was taken; compare the codes"
        _await(session, SessionStatus.PASSKEY_CONFIRMATION, reason, now=now, epoch=epoch)
    _store(session, ChallengeKind.CONFIRMATION, wanted.code, wanted.valid_for, now)


@transaction.atomic
def accept(*, session: Session, paired: events.Paired, now: datetime, epoch: int) -> None:
    """Remember which account was linked; the engine restarts its stream next."""
    lifecycle.transition(
        session,
        SessionStatus.STARTING,
        now=now,
        reason="paired",
        epoch=epoch,
        jid=paired.jid,
        push_name=paired.push_name,
    )


# -- what the tenant asks for ----------------------------------------------------------


@transaction.atomic
def want_qr(*, session: Session, now: datetime) -> Session:
    """See to it that a QR code will be shown: start, or begin the pairing anew after a code.

    A session with a device, or one that shows QR codes already, is left alone. Somebody who
    asks twice while the runner is about it asked once.

    :raises LimitReached: it paired too often within the hour.
    :raises DomainError: what `lifecycle.start` refuses.
    """
    if session.jid:
        return session
    if not _is_on_its_way(session):
        return lifecycle.start(session=session, now=now)
    if session.status == SessionStatus.PAIRING and _is_typed(session, now=now):
        return lifecycle.reconnect(session=session, now=now)
    return session


@transaction.atomic
def request_code(*, session: Session, phone: str, now: datetime) -> Command:
    """Have WhatsApp make a code to type into the phone of this number; starts the session.

    Who asks again for the same phone, while that request waits, gets it once more.

    :param phone: digits, as `jids.phone_of` has them.
    :raises SessionNotFound: it was deleted meanwhile.
    :raises CapabilityMissing: the engine knows QR codes only.
    :raises AlreadyLinked: there is a device.
    :raises DomainError: what `lifecycle.start` refuses.
    """
    capabilities.require(session, Capability.PAIR_CODE)
    session = lifecycle.lock(session)
    if session.jid:
        raise AlreadyLinked("A device is linked. Log it out before another one is linked.")
    if not _is_on_its_way(session):
        session = lifecycle.start(session=session, now=now)
    payload = {"phone": phone}
    waiting = Command.objects.filter(
        session=session,
        kind=CommandKind.PAIR_CODE,
        state=CommandState.QUEUED,
        payload=payload,
        expires_at__gt=now,
    )
    return waiting.first() or _order(session, CommandKind.PAIR_CODE, payload, now=now)


@transaction.atomic
def answer_passkey(*, session: Session, response: dict[str, Any], now: datetime) -> Command:
    """Hand the WebAuthn assertion to WhatsApp.

    :raises CapabilityMissing: the engine can't pass it on.
    :raises PasskeyNotRequested: WhatsApp asks for none now.
    """
    capabilities.require(session, Capability.PASSKEY)
    if session.status != SessionStatus.PASSKEY_REQUIRED:
        raise selectors.PasskeyNotRequested("WhatsApp does not ask for a passkey now.")
    return _order(session, CommandKind.ANSWER_PASSKEY, {"response": response}, now=now)


@transaction.atomic
def confirm_passkey(*, session: Session, code: str, now: datetime) -> Command:
    """Say that the phone shows the same code.

    :raises CapabilityMissing: the engine can't pass it on.
    :raises PasskeyNotRequested: there is nothing to confirm now.
    """
    capabilities.require(session, Capability.PASSKEY)
    if session.status != SessionStatus.PASSKEY_CONFIRMATION:
        raise selectors.PasskeyNotRequested("There is no code to confirm now.")
    return _order(session, CommandKind.CONFIRM_PASSKEY, {"code": code}, now=now)


def _is_on_its_way(session: Session) -> bool:
    """Say whether the session runs, or will as soon as its engine is prepared."""
    return session.may_run and (session.is_live or session.status == SessionStatus.CREATED)


def _order(
    session: Session, kind: CommandKind, payload: dict[str, Any], *, now: datetime
) -> Command:
    expires_at = now + timedelta(seconds=_ORDER_SECONDS)
    draft = commands.NewCommand(
        session, kind, payload, expires_at=expires_at, dedupe_key=ids.make("cmd")
    )
    return commands.queue_many([draft], now=now)[0]


def _await(
    session: Session,
    status: SessionStatus,
    reason: str,
    *,
    now: datetime,
    epoch: int,
    **changes: Any,
) -> None:
    lifecycle.transition(session, status, now=now, reason=reason, epoch=epoch, **changes)


def _is_typed(session: Session, *, now: datetime) -> bool:
    """Say whether somebody has a code to type that still counts."""
    typed = PairingChallenge.objects.filter(session=session, kind=ChallengeKind.CODE)
    return typed.filter(expires_at__gt=now).exists()


def _store(
    session: Session,
    kind: ChallengeKind,
    text: str,
    valid_for: timedelta,
    now: datetime,
    *,
    seq: int = 1,
) -> None:
    """Put it in place of the challenge before it, and tell without its text."""
    expires_at = now + valid_for
    PairingChallenge.objects.update_or_create(
        session=session,
        defaults={
            "kind": kind,
            "text": text,
            "seq": seq,
            "issued_at": now,
            "expires_at": expires_at,
        },
    )
    lifecycle.report(_EVENTS[kind], session, seq=seq, expires_at=expires_at.isoformat())


_EVENTS = {
    ChallengeKind.QR: "session.qr.updated",
    ChallengeKind.CODE: "session.pairing_code.updated",
    ChallengeKind.PASSKEY: "session.passkey.requested",
    ChallengeKind.CONFIRMATION: "session.passkey.confirmation",
}


def _refuse_passkey(session: Session, *, now: datetime, epoch: int) -> None:
    others = capabilities.offered_with(Capability.PASSKEY)
    advice = (
        f"Create a session with an engine that can: {', '.join(others)}."
        if others
        else "No engine that can is offered here."
    )
    lifecycle.give_up(
        session,
        SessionStatus.FAULTED,
        now=now,
        reason=f"WhatsApp links this account by passkey only, which the engine "
        f"{session.engine!r} can't do. {advice}",
        reason_code="passkey_unsupported",
        epoch=epoch,
    )
