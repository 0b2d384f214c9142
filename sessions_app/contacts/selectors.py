"""Reads of contacts and their syncs. The session was read through its tenant."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Tenant
from sessions_app import jids
from sessions_app.contacts.models import Contact, ContactSync
from sessions_app.contacts.states import RUNNING, SyncState
from sessions_app.models import Session
from sessions_app.states import DesiredState
from subscriptions import selectors as subscriptions
from subscriptions.models import Feature


def contacts_of(session: Session, *, search: str = "") -> QuerySet[Contact]:
    """Return the session's contacts; `search` finds parts of names and starts of numbers."""
    contacts: QuerySet[Contact] = session.contacts.all()
    if not (term := search.strip()):
        return contacts
    found = Q(name__icontains=term) | Q(push_name__icontains=term) | Q(jid__startswith=term)
    digits = "".join(character for character in term if character.isdecimal())
    if digits:
        found |= Q(phone__startswith=digits)
    return contacts.filter(found)


def names_of(session: Session, chats: Iterable[str]) -> dict[str, str]:
    """Return what to call these JIDs; those of unknown people are missing.

    A phone number's JID also finds the contact that is known by its LID.
    """
    wanted = set(chats)
    phones = {phone: jid for jid in wanted if (phone := jids.phone_of(jid))}
    found = session.contacts.filter(Q(jid__in=wanted) | (Q(phone__in=phones) & ~Q(phone="")))
    names: dict[str, str] = {}
    for jid, phone, name, push_name in found.values_list("jid", "phone", "name", "push_name"):
        called = name or push_name
        for chat in {jid, phones.get(phone, jid)} & wanted if called else ():
            names[chat] = called
    return names


def limits_of(tenant_ids: Iterable[int], *, now: datetime) -> dict[int, int | None]:
    """Return how many contacts these tenants may have: None without a limit."""
    entitlements = subscriptions.entitlements_of(tenant_ids=tenant_ids, now=now)
    return {pk: owner.limit(Feature.CONTACTS) for pk, owner in entitlements.items()}


def archive(tenant: Tenant) -> Iterator[dict[str, Any]]:
    """Yield a tenant's contacts for its archive."""
    columns = (
        "public_id",
        "session__public_id",
        "jid",
        "phone",
        "name",
        "push_name",
        "created_at",
    )
    rows = Contact.objects.for_tenant(tenant).exclude(session__desired=DesiredState.DELETED)
    yield from rows.order_by("pk").values(*columns).iterator()


def newest_sync(session: Session) -> ContactSync | None:
    """Return the session's newest sync, however far it is."""
    syncs: QuerySet[ContactSync] = session.syncs.order_by("-pk")
    return syncs.first()


def running_sync(session: Session) -> ContactSync | None:
    """Return the sync that runs; the database allows one at a time."""
    syncs: QuerySet[ContactSync] = session.syncs.filter(state__in=RUNNING)
    return syncs.first()


def sync_of(session: Session, public_id: str) -> ContactSync | None:
    """Return one sync of the session, None when it is not there."""
    syncs: QuerySet[ContactSync] = session.syncs.filter(public_id=public_id)
    return syncs.first()


def stalled(*states: SyncState, before: datetime) -> list[str]:
    """Return the public ids of syncs in these states without progress since `before`."""
    syncs = ContactSync.objects.filter(
        state__in=RUNNING.intersection(states), touched_at__lt=before
    )
    return list(syncs.order_by("touched_at").values_list("public_id", flat=True))
