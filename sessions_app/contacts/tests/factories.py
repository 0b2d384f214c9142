"""Builders of contacts and syncs, and of what engines report about them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.db.models import QuerySet

from orsta.core.outbox.models import OutboxEvent
from sessions_app.contacts.models import Contact, ContactSync
from sessions_app.contacts.services import syncing
from sessions_app.engines.events import ContactEntry
from sessions_app.models import Session

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA = "15550100123@s.whatsapp.net"
ADA_LID = "123456789012345@lid"
_numbers = count(1)


def make_contact(session: Session, **fields: Any) -> Contact:
    """Save a contact whose name comes from the address book."""
    digits = f"1555020{next(_numbers):04}"
    values = {"jid": f"{digits}@s.whatsapp.net", "phone": digits, "name": "Ada Abel"}
    return Contact.objects.create(
        tenant_id=session.tenant_id, session=session, **(values | fields)
    )


def entries(number: int, *, first: int = 0, **fields: Any) -> list[ContactEntry]:
    """Return so many entries of an address book, numbered from `first`."""
    return [
        ContactEntry(f"1555{one:07}@s.whatsapp.net", **({"name": f"Person {one}"} | fields))
        for one in range(first, first + number)
    ]


def fetched_sync(
    session: Session, *pages: Iterable[ContactEntry], now: datetime = NOON
) -> ContactSync:
    """Take a sync through its fetch, as the runner does; the pages wait to be written."""
    sync = syncing.request_sync(session=session, now=now)
    for number, page in enumerate(pages, start=1):
        syncing.store_page(sync_id=sync.public_id, number=number, entries=page, now=now)
    syncing.finish_fetch(sync_id=sync.public_id, now=now)
    sync.refresh_from_db()
    return sync


def synced(
    session: Session, *pages: Iterable[ContactEntry], now: datetime = NOON
) -> ContactSync:
    """Take a sync through to its end."""
    sync = fetched_sync(session, *pages, now=now)
    syncing.write_pages(sync_id=sync.public_id, now=now)
    sync.refresh_from_db()
    return sync


def reported() -> QuerySet[OutboxEvent]:
    """Return the events of contacts, oldest first."""
    return OutboxEvent.objects.filter(name__startswith="contacts.").order_by("pk")
