"""Reads of the session aggregate."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Value

from accounts.models import Tenant
from accounts.principal import Principal
from orsta.core import errors
from sessions_app import failures
from sessions_app.models import (
    Command,
    Gateway,
    InboxEntry,
    PairingChallenge,
    Proxy,
    Runner,
    Session,
)
from sessions_app.models.inbox import MAX_ATTEMPTS
from sessions_app.states import (
    LINKING,
    ChallengeKind,
    CommandState,
    DesiredState,
    Health,
    Hold,
    ProxyState,
    SessionStatus,
)
from subscriptions import selectors as subscriptions

_OF_PASSKEYS = frozenset({ChallengeKind.PASSKEY, ChallengeKind.CONFIRMATION})
RUNNER_SILENT_AFTER = timedelta(seconds=30)  # three missed heartbeats


class SessionNotFound(errors.Missing):
    """No such session, or another tenant's."""

    code = "session_not_found"


class ChallengeNotReady(errors.Conflict):
    """There is no code to scan now."""

    code = "qr_not_ready"


class PairingCodeNotReady(errors.Conflict):
    """There is no code to type now."""

    code = "pairing_code_not_ready"


class PasskeyNotRequested(errors.Conflict):
    """WhatsApp asks for no passkey now."""

    code = "passkey_not_requested"


class CommandNotFound(errors.Missing):
    """No such command of this session."""

    code = "command_not_found"


def sessions_of(tenant: Tenant) -> QuerySet[Session]:
    """Return the tenant's sessions, without the deleted ones."""
    mine: QuerySet[Session] = Session.objects.for_tenant(tenant)
    return mine.exclude(desired=DesiredState.DELETED)


def session_of(tenant: Tenant, public_id: str) -> Session:
    """Return one session of the tenant.

    :raises SessionNotFound: it does not exist, is deleted, or is another tenant's.
    """
    session = sessions_of(tenant).filter(public_id=public_id).first()
    if session is None:
        raise SessionNotFound("There is no such session.")
    return session


def sessions_for(principal: Principal) -> QuerySet[Session]:
    """Return the sessions that a caller may see: its tenant's, or its key's few of them."""
    sessions = sessions_of(principal.tenant)
    if principal.session_ids is None:
        return sessions
    return sessions.filter(public_id__in=principal.session_ids)


def session_for(principal: Principal, public_id: str) -> Session:
    """Return one session that a caller may touch.

    :raises SessionNotFound: it is not there, another tenant's, or not in the key's list.
    """
    if not principal.may_touch(public_id):
        raise SessionNotFound("There is no such session.")
    return session_of(principal.tenant, public_id)


def hold_of(tenant: Tenant, *, now: datetime) -> Hold | None:
    """Return why the tenant's sessions may not run, None when they may."""
    if not tenant.is_active:
        return Hold.SUSPENDED
    if not subscriptions.entitlements_for(tenant=tenant, now=now).active:
        return Hold.EXPIRED
    return None


def challenge_of(session: Session, *, now: datetime) -> PairingChallenge:
    """Return the code to scan now.

    :raises ChallengeNotReady: the session is not waiting for a scan, or its code ran out.
    """
    if session.status == SessionStatus.PAIRING:
        current = open_challenge(session, now=now)
        if current is None:
            raise ChallengeNotReady("The next code is on its way; ask again in a second.")
        if current.kind == ChallengeKind.QR:
            return current
        raise ChallengeNotReady("A code to type was asked for; ask for a QR code anew.")
    label = SessionStatus(session.status).label.lower()
    raise ChallengeNotReady(f"There is no code to scan: the session is {label}.")


def pairing_code_of(session: Session, *, now: datetime) -> PairingChallenge:
    """Return the code to type into the phone now.

    :raises PairingCodeNotReady: nobody asked for one, or it ran out.
    """
    current = open_challenge(session, now=now)
    if current is None or current.kind != ChallengeKind.CODE:
        raise PairingCodeNotReady("There is no code to type now; ask for one.")
    return current


def passkey_of(session: Session, *, now: datetime) -> PairingChallenge:
    """Return the passkey challenge to answer, or the code to compare, whichever comes now.

    :raises PasskeyNotRequested: WhatsApp waits for neither.
    """
    current = open_challenge(session, now=now)
    if current is None or current.kind not in _OF_PASSKEYS:
        raise PasskeyNotRequested("WhatsApp does not ask for a passkey now.")
    return current


def open_challenge(session: Session, *, now: datetime) -> PairingChallenge | None:
    """Return what somebody has to do now to link a device, None when it is nothing."""
    if session.status not in LINKING:
        return None
    return PairingChallenge.objects.filter(session=session, expires_at__gt=now).first()


def asked_of(session: Session, public_id: str) -> Command:
    """Return a command that a caller may ask after, by its public id.

    :raises CommandNotFound: this session has no such command.
    """
    asked = "" if "\x00" in public_id else public_id  # PostgreSQL takes none in a question
    known = Command.objects.filter(session=session, dedupe_key=asked)
    command: Command | None = known.exclude(dedupe_key="").first()
    if command is None:
        raise CommandNotFound("This session has no such command.")
    return command


def command_of(session: Session, *, command_id: int) -> Command | None:
    """Return a command of the session, None when it is not there."""
    return Command.objects.filter(session=session, pk=command_id).first()


def count_by_status() -> dict[str, int]:
    """Return how many sessions are in each status, the deleted left out."""
    present = Session.objects.exclude(desired=DesiredState.DELETED)
    return dict(present.order_by().values_list("status").annotate(Count("pk")))


def live_runners(*, now: datetime) -> QuerySet[Runner]:
    """Return the runners that gave a sign of life lately."""
    return Runner.objects.filter(heartbeat_at__gt=now - RUNNER_SILENT_AFTER)


def silent_runners(*, now: datetime) -> QuerySet[Runner]:
    """Return the runners that did not say that they end, and gave no sign of life lately."""
    return Runner.objects.filter(heartbeat_at__lte=now - RUNNER_SILENT_AFTER)


@dataclass(frozen=True, slots=True)
class Fleet:
    """The runners that live: how many, what they hold of what they could, and which code."""

    runners: int
    sessions: int
    capacity: int
    versions: tuple[str, ...]


def fleet(*, now: datetime) -> Fleet:
    """Return the runners that live, taken together."""
    rows = live_runners(now=now).values_list("sessions", "capacity", "version")
    return Fleet(
        runners=len(rows),
        sessions=sum(row[0] for row in rows),
        capacity=sum(row[1] for row in rows),
        versions=tuple(sorted({row[2] for row in rows})),
    )


def gateways_down() -> QuerySet[Gateway]:
    """Return the gateways that did not answer the last survey."""
    return Gateway.objects.filter(health=Health.DOWN)


def poison_webhooks() -> QuerySet[InboxEntry]:
    """Return what gateways posted, no engine could take, and nobody tries any more."""
    return InboxEntry.objects.filter(done_at=None, attempts__gte=MAX_ATTEMPTS)


def proxies_down() -> QuerySet[Proxy]:
    """Return the proxies in use that did not answer the last check."""
    return Proxy.objects.filter(state=ProxyState.ACTIVE, health=Health.DOWN)


def alerting_sessions() -> QuerySet[Session]:
    """Return the sessions in trouble that the table of failures calls for staff."""
    present = Session.objects.exclude(desired=DesiredState.DELETED)
    return present.filter(reason_code__in=failures.ALERTING)


def needing_staff(*, now: datetime) -> dict[str, int]:
    """Return how many of each need somebody; one statement, nothing left out."""
    kinds: dict[str, QuerySet[Any]] = {
        "sessions": alerting_sessions(),
        "gateways": gateways_down(),
        "proxies": proxies_down(),
        "runners": silent_runners(now=now),
        "commands": Command.objects.filter(state=CommandState.UNKNOWN),
        "webhooks": poison_webhooks(),
    }
    first, *others = (
        rows.order_by().annotate(what=Value(what)).values("what").annotate(count=Count("pk"))
        for what, rows in kinds.items()
    )
    return {row["what"]: row["count"] for row in first.union(*others, all=True)}
