"""Reads of contacts and their syncs. The session was read through its tenant."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import Tenant
from orsta.core import errors
from sessions_app import jids
from sessions_app.contacts.models import Contact, ContactIdentity, ContactPage, ContactSync
from sessions_app.contacts.states import RUNNING, IdentityKind, SyncState
from sessions_app.models import Session
from sessions_app.states import DesiredState
from subscriptions import selectors as subscriptions
from subscriptions.models import Feature

_PEOPLE_BEHIND = """
SELECT known.session_id, known.value, known.jid
FROM unnest(%s::bigint[], %s::text[]) AS named (session_id, phone)
JOIN contacts_contactidentity known
    ON known.session_id = named.session_id AND known.kind = 'PHONE'
    AND known.value = named.phone
"""
_LIDS_IN = """
SELECT entry.jid, entry.phone FROM contacts_contactpage page
CROSS JOIN LATERAL jsonb_to_recordset(page.entries) AS entry (jid text, phone text)
WHERE page.id = %s AND entry.phone <> '' AND entry.jid LIKE '%%@lid'
"""


class ContactNotFound(errors.Missing):
    """No such contact, or another session's."""

    code = "contact_not_found"


def contacts_of(session: Session, *, search: str = "") -> QuerySet[Contact]:
    """Return the session's contacts; `search` finds parts of names and starts of the rest.

    Phone numbers that a person had before and user names count too.
    """
    contacts: QuerySet[Contact] = session.contacts.all()
    if not (term := search.strip()):
        return contacts
    found = Q(name__icontains=term) | Q(push_name__icontains=term) | Q(jid__startswith=term)
    digits = "".join(character for character in term if character.isdecimal())
    named = Q(value__startswith=term)
    if digits:
        found |= Q(phone__startswith=digits)
        named |= Q(kind=IdentityKind.PHONE, value__startswith=digits)
    known_as = session.identities.filter(named).values("jid")
    return contacts.filter(found | Q(jid__in=known_as))


def contact_of(session: Session, public_id: str) -> Contact:
    """Return one contact of the session; an id that was merged away finds who it became.

    :raises ContactNotFound: it does not exist, or is not this session's.
    """
    # One after the other: an OR over both tables reads every contact of the session.
    merged = Q(merges__merged_id=public_id, merges__session=session)
    for named in (Q(public_id=public_id), merged):
        found: Contact | None = session.contacts.filter(named).first()
        if found is not None:
            return found
    raise ContactNotFound("There is no such contact.")


def identities_of(session: Session, people: Iterable[str]) -> dict[str, list[ContactIdentity]]:
    """Return by JID everything these people go by, what was seen last first."""
    known: defaultdict[str, list[ContactIdentity]] = defaultdict(list)
    rows = session.identities.filter(jid__in=set(people))
    for identity in rows.order_by("-last_seen_at", "kind", "value"):
        known[identity.jid].append(identity)
    return known


def people_behind(named: Iterable[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Return the JID by which a person is known: the LID for a phone number's JID.

    :param named: (session id, normalized JID); what has no other name is missing.
    """
    phones = {(pk, phone) for pk, jid in named if (phone := jids.phone_of(jid))}
    if not phones:
        return {}
    owners = [pk for pk, _ in phones]
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE_BEHIND, [owners, [phone for _, phone in phones]])
        return {(pk, jids.of_phone(phone)): jid for pk, phone, jid in cursor.fetchall()}


def person_behind(session: Session, jid: str) -> str:
    """Return the JID by which this person is known in the session; else the JID itself."""
    return people_behind([(session.pk, jid)]).get((session.pk, jid), jid)


def lids_in(page: ContactPage) -> list[tuple[str, str]]:
    """Return the (LID, phone number) of a page's entries that have both."""
    with connection.cursor() as cursor:
        cursor.execute(_LIDS_IN, [page.pk])
        return list(cursor.fetchall())


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
