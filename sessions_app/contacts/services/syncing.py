"""Bring a session's address book here: the runner fetches pages, a task writes them.

Every step is a row first, so that a crash of either side costs a repeat and nothing else.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Sum

from orsta.core import errors
from sessions_app.contacts import selectors
from sessions_app.contacts.models import ContactPage, ContactSync
from sessions_app.contacts.services import addressbook, identities, storable
from sessions_app.contacts.states import RUNNING, IdentitySource, SyncState
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.events import ContactEntry, IdentityMapped
from sessions_app.models import Session
from sessions_app.services import capabilities, commands, lifecycle
from sessions_app.states import CommandKind

FRESH_FOR = timedelta(seconds=60)  # a list that was synced this lately is not synced again
FETCH_TIMEOUT = timedelta(minutes=5)  # without a page; the runner retries for about a minute
PROGRESS_EVERY = 5_000  # contacts per progress event
_FETCHING = (SyncState.QUEUED, SyncState.FETCHING)
_ERROR_LENGTH = 300
_LOOK_SECONDS = 0.1  # between looks at a sync that somebody waits for


class SessionNotReady(errors.Conflict):
    """Contacts come from a connected session only."""

    code = "session_not_ready"


class Freshness(StrEnum):
    """What asking for fresh contacts led to. SYNCED and RECENT: the contacts are fresh."""

    SYNCED = "synced"
    FAILED = "failed"
    REQUESTED = "requested"
    RUNNING = "running"
    RECENT = "recent"
    NOT_CONNECTED = "not_connected"
    UNSUPPORTED = "unsupported"


_ENDS = {SyncState.DONE: Freshness.SYNCED, SyncState.FAILED: Freshness.FAILED}


@dataclass(frozen=True, slots=True)
class Freshening:
    """The answer of `freshen`: what happened, and the newest sync if there is one."""

    outcome: Freshness
    sync: ContactSync | None


@transaction.atomic
def request_sync(*, session: Session, now: datetime) -> ContactSync:
    """Have the runner fetch the address book; a sync that runs already is returned.

    :raises CapabilityMissing: its engine has no address book.
    :raises SessionNotReady: the session is not connected.
    """
    capabilities.require(session, Capability.CONTACTS)
    running = selectors.running_sync(session)
    if running is not None:
        return running
    if not session.is_connected:
        raise SessionNotReady("The session is not connected; connect it to sync its contacts.")
    sync = ContactSync(
        tenant_id=session.tenant_id, session=session, created_at=now, touched_at=now
    )
    ContactSync.objects.bulk_create([sync], ignore_conflicts=True)
    created = selectors.sync_of(session, sync.public_id)
    if created is None:  # somebody else was faster: "sync_one_running"
        winner: ContactSync = ContactSync.objects.filter(session=session).latest("pk")
        return winner
    commands.queue(
        session=session,
        kind=CommandKind.FETCH_CONTACTS,
        payload={"sync_id": created.public_id},
        now=now,
    )
    return created


def freshen(*, session: Session, now: datetime, wait: timedelta = timedelta(0)) -> Freshening:
    """Request a sync if it makes sense now, and wait a little for it; never fails.

    Only who requested the sync waits, so at most one caller per session and `FRESH_FOR`.
    Call it outside a transaction: the runner can't see what is not committed.
    """
    newest = selectors.newest_sync(session)
    if newest is not None and newest.state in RUNNING:
        return Freshening(Freshness.RUNNING, newest)
    if newest is not None and newest.created_at > now - FRESH_FOR:
        return Freshening(Freshness.RECENT, newest)
    if not capabilities.has(session, Capability.CONTACTS):
        return Freshening(Freshness.UNSUPPORTED, newest)
    if not session.is_connected:
        return Freshening(Freshness.NOT_CONNECTED, newest)
    try:
        sync = request_sync(session=session, now=now)
    except SessionNotReady:  # it lost its connection meanwhile
        return Freshening(Freshness.NOT_CONNECTED, newest)
    return _await(sync, until=time.monotonic() + wait.total_seconds())


def _await(sync: ContactSync, *, until: float) -> Freshening:
    while time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        sync.refresh_from_db()
        if sync.state in _ENDS:
            return Freshening(_ENDS[SyncState(sync.state)], sync)
    return Freshening(Freshness.REQUESTED, sync)


def _can_sync(session: Session) -> bool:
    return session.is_connected and capabilities.has(session, Capability.CONTACTS)


def sync_if_never_synced(*, session_id: str, now: datetime) -> None:
    """Request a sync of a connected session whose contacts never came; else do nothing.

    :param session_id: the public id.
    """
    session = Session.objects.filter(public_id=session_id, last_synced_at=None).first()
    if session is not None and _can_sync(session):
        request_sync(session=session, now=now)


def sync_changed(*, session_id: str, now: datetime) -> timedelta | None:
    """Request a sync of a connected session, at most one per `FRESH_FOR`.

    :param session_id: the public id.
    :return: when to ask again, if a sync came too short before the change to have it; None
        if one is requested, or none can be.
    """
    session = Session.objects.filter(public_id=session_id).first()
    if session is None or not _can_sync(session):
        return None
    newest = selectors.newest_sync(session)
    if newest is not None and newest.created_at > now - FRESH_FOR:
        return newest.created_at + FRESH_FOR - now
    request_sync(session=session, now=now)
    return None


@transaction.atomic
def store_page(
    *, sync_id: str, number: int, entries: Iterable[ContactEntry], now: datetime
) -> bool:
    """Keep a page as fetched; a page that comes again replaces the one before.

    :return: False when the sync has ended meanwhile; the page is then dropped.
    """
    sync = _lock(sync_id, *_FETCHING)
    if sync is None:
        return False
    rows = storable.entry_rows(entries)
    ContactPage.objects.bulk_create(
        [ContactPage(sync=sync, number=number, size=len(rows), entries=rows)],
        update_conflicts=True,
        unique_fields=["sync", "number"],
        update_fields=["size", "entries"],
    )
    before = sync.fetched
    sync.fetched = sync.pages.aggregate(total=Sum("size"))["total"]
    sync.state = SyncState.FETCHING
    sync.touched_at = now
    sync.save(update_fields=["fetched", "state", "touched_at"])
    _report_progress(sync, before, sync.fetched)
    return True


@transaction.atomic
def finish_fetch(*, sync_id: str, now: datetime) -> bool:
    """Every page is here: hand over to the writing task. Safe to repeat."""
    sync = _lock(sync_id, *_FETCHING)
    if sync is None:
        return False
    _move(sync, SyncState.WRITING, now=now)
    _report(sync, "fetched", fetched=sync.fetched)
    return True


@transaction.atomic
def fail(*, sync_id: str, error: str, now: datetime) -> bool:
    """End a sync that can't go on; contacts written so far stay. Safe to repeat."""
    sync = _lock(sync_id, *RUNNING)
    if sync is None:
        return False
    sync.error = storable.text(error, limit=_ERROR_LENGTH)
    sync.pages.all().delete()
    _move(sync, SyncState.FAILED, now=now, finished_at=now)
    _report(sync, "failed", error=sync.error)
    return True


def write_pages(*, sync_id: str, now: datetime) -> None:
    """Write what was fetched, a page per transaction, and end the sync.

    A crash leaves the pages that are not written yet; calling it again goes on with them.
    While another process is at it, this one leaves it the work.
    """
    started = time.monotonic()
    moment = now
    while write_page(sync_id=sync_id, now=moment):
        moment = now + timedelta(seconds=time.monotonic() - started)


@transaction.atomic
def write_page(*, sync_id: str, now: datetime) -> bool:
    """Write the next page, or end the sync when there is none; return whether to go on.

    What the plan keeps no more is left out and counted; the sync goes on all the same.
    """
    sync = _lock(sync_id, SyncState.WRITING, skip_locked=True)
    if sync is None:
        return False
    page = sync.pages.defer("entries").order_by("number").first()
    if page is None:
        _finish(sync, now=now)
        return False
    _learn(sync.session, page, now=now)
    limit = selectors.limits_of([sync.tenant_id], now=now)[sync.tenant_id]
    left_out = addressbook.merge_page(
        addressbook.PageOf(page.pk, sync.session_id, sync.tenant_id), limit=limit, now=now
    )
    ContactPage.objects.filter(pk=page.pk).delete()
    before = sync.written + sync.left_out
    sync.written += page.size - left_out
    sync.left_out += left_out
    sync.touched_at = now
    sync.save(update_fields=["written", "left_out", "touched_at"])
    _report_progress(sync, before, before + page.size)
    return True


def fail_stalled(*, now: datetime) -> int:
    """End the fetches that nobody works on any more; return how many."""
    stalled = selectors.stalled(*_FETCHING, before=now - FETCH_TIMEOUT)
    error = "The contacts did not arrive in time; ask for them again."
    return sum(fail(sync_id=sync_id, error=error, now=now) for sync_id in stalled)


def _learn(session: Session, page: ContactPage, *, now: datetime) -> None:
    """Take from a page who is who: the entries under a LID that have a phone number."""
    mapped = [
        (session, IdentityMapped(lid=lid, phone=phone))
        for lid, phone in selectors.lids_in(page)
    ]
    identities.learn(mapped=mapped, now=now, source=IdentitySource.CONTACTS)


def _finish(sync: ContactSync, *, now: datetime) -> None:
    _move(sync, SyncState.DONE, now=now, finished_at=now)
    Session.objects.filter(pk=sync.session_id).update(last_synced_at=now)
    lifecycle.report(
        "contacts.synced",
        sync.session,
        sync_id=sync.public_id,
        count=sync.written,
        left_out=sync.left_out,
    )


def _lock(sync_id: str, *states: SyncState, skip_locked: bool = False) -> ContactSync | None:
    syncs = ContactSync.objects.filter(public_id=sync_id, state__in=states)
    locked = syncs.select_for_update(of=("self",), skip_locked=skip_locked)
    found: ContactSync | None = locked.select_related("session").first()
    return found


def _move(
    sync: ContactSync, state: SyncState, *, now: datetime, finished_at: datetime | None = None
) -> None:
    sync.state = state
    sync.touched_at = now
    sync.finished_at = finished_at
    sync.save(update_fields=["state", "touched_at", "finished_at", "error"])


def _report_progress(sync: ContactSync, before: int, after: int) -> None:
    if before // PROGRESS_EVERY != after // PROGRESS_EVERY:
        figures = {name: getattr(sync, name) for name in ("fetched", "written", "left_out")}
        _report(sync, "progress", state=sync.state, **figures)


def _report(sync: ContactSync, what: str, **payload: object) -> None:
    lifecycle.report(f"contacts.sync.{what}", sync.session, sync_id=sync.public_id, **payload)
