"""Make one contact of two that turned out to be the same person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import Tenant
from accounts.services import audit
from orsta.core.outbox.services import NewEvent, emit_many
from sessions_app import jids
from sessions_app.contacts.models import Contact, ContactMerge
from sessions_app.models import Session
from sessions_app.services import lifecycle

# What is known under these JIDs, locked in the order in which addressbook writes.
_KNOWN = """
SELECT contact.* FROM unnest(%s::bigint[], %s::text[]) AS named (session_id, jid)
JOIN contacts_contact contact
    ON contact.session_id = named.session_id AND contact.jid = named.jid
ORDER BY contact.session_id, contact.jid FOR UPDATE OF contact
"""
# A number belongs to the person who was seen with it last. Whoever gets one and loses another
# has the one. Two joins, as an index serves each of them, and none serves both in one.
_TAKE_NUMBER = """
WITH owner AS (
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS one (session_id, phone, new)
), told AS (
    SELECT contact.id, owner.phone FROM owner JOIN contacts_contact contact
        ON contact.session_id = owner.session_id AND contact.jid = owner.new
    UNION ALL
    SELECT contact.id, '' FROM owner JOIN contacts_contact contact
        ON contact.session_id = owner.session_id AND contact.phone = owner.phone
    WHERE contact.phone <> '' AND contact.jid <> owner.new
        AND contact.jid <> owner.phone || '@s.whatsapp.net'
), last_word AS (
    SELECT id, max(phone) AS phone FROM told GROUP BY id
)
UPDATE contacts_contact contact SET phone = last_word.phone, updated_at = %s
FROM last_word WHERE contact.id = last_word.id AND contact.phone <> last_word.phone
"""


@dataclass(frozen=True, slots=True)
class Move:
    """A phone number got an owner: what was known under its JID belongs to that person."""

    session_id: int
    phone: str
    new: str

    @property
    def old(self) -> str:
        """Return the phone number's JID."""
        return jids.of_phone(self.phone)


@dataclass(frozen=True, slots=True)
class _Twins:
    """The contact under the LID, and the one under the phone number that goes."""

    stays: Contact
    goes: Contact


def merge(*, moves: Sequence[Move], sessions: Mapping[int, Session], now: datetime) -> None:
    """Let the contacts follow; the caller holds the lock of identities.

    The contact under the LID stays, with its names where it has any and the other's where it
    has none; of two stamps the later. A contact that is alone just gets the LID. The audit
    log names both ids. Fewer contacts count against the plan from now on: it counts rows.
    """
    pairs, alone = _find(moves)
    for contact, jid in alone:
        contact.jid = jid
    if alone:
        Contact.objects.bulk_update([contact for contact, _ in alone], ["jid"])
    if pairs:
        _merge(pairs, sessions, now=now)
    with connection.cursor() as cursor:
        columns = zip(*((m.session_id, m.phone, m.new) for m in moves), strict=True)
        cursor.execute(_TAKE_NUMBER, [*map(list, columns), now])


def _find(moves: Sequence[Move]) -> tuple[list[_Twins], list[tuple[Contact, str]]]:
    """Return who has two contacts, and the contacts that only have the wrong JID."""
    named = {(move.session_id, jid) for move in moves for jid in (move.old, move.new)}
    columns = [list(column) for column in zip(*named, strict=True)]
    known = {(row.session_id, row.jid): row for row in Contact.objects.raw(_KNOWN, columns)}
    pairs, alone = [], []
    taken: set[tuple[int, str]] = set()
    for move in moves:
        goes = known.get((move.session_id, move.old))
        stays = known.get((move.session_id, move.new))
        if goes is None:
            continue
        if stays is not None:
            pairs.append(_Twins(stays, goes))
        elif (person := (move.session_id, move.new)) not in taken:
            taken.add(person)
            alone.append((goes, move.new))
            known[person] = goes  # a second number of the same person joins this contact
    return pairs, alone


def _merge(pairs: Sequence[_Twins], sessions: Mapping[int, Session], *, now: datetime) -> None:
    for twins in pairs:
        _combine(twins, now=now)
    stay = {twins.stays.pk: twins.stays for twins in pairs}
    gone = {twins.goes.pk: twins.stays for twins in pairs}
    Contact.objects.bulk_update(
        stay.values(), ["name", "push_name", "raw", "last_synced_at", "updated_at"]
    )
    _redirect(gone)
    ContactMerge.objects.bulk_create(
        ContactMerge(
            tenant_id=twins.stays.tenant_id,
            session_id=twins.stays.session_id,
            contact=twins.stays,
            merged_id=twins.goes.public_id,
            merged_jid=twins.goes.jid,
            at=now,
        )
        for twins in pairs
    )
    Contact.objects.filter(pk__in=gone).delete()
    _tell(pairs, sessions, now=now)


def _combine(twins: _Twins, *, now: datetime) -> None:
    stays, goes = twins.stays, twins.goes
    stays.name = stays.name or goes.name
    stays.push_name = stays.push_name or goes.push_name
    stays.raw = goes.raw | stays.raw
    stamps = [at for at in (stays.last_synced_at, goes.last_synced_at) if at is not None]
    stays.last_synced_at = max(stamps, default=None)
    stays.updated_at = now


def _redirect(gone: Mapping[int, Contact]) -> None:
    """Have ids that led to a contact that goes lead to the one that stays."""
    earlier = list(ContactMerge.objects.filter(contact_id__in=gone))
    for row in earlier:
        row.contact = gone[row.contact_id]
    ContactMerge.objects.bulk_update(earlier, ["contact"])


def _tell(pairs: Sequence[_Twins], sessions: Mapping[int, Session], *, now: datetime) -> None:
    tenants = Tenant.objects.in_bulk({twins.stays.tenant_id for twins in pairs})
    audit.record_many(
        audit.entry(
            action="contact.merged",
            actor=audit.SYSTEM,
            now=now,
            tenant=tenants[twins.stays.tenant_id],
            target=twins.stays.public_id,
            merged_id=twins.goes.public_id,
        )
        for twins in pairs
    )
    emit_many(_event(twins, sessions[twins.stays.session_id]) for twins in pairs)


def _event(twins: _Twins, session: Session) -> NewEvent:
    payload: dict[str, Any] = {
        "session_id": session.public_id,
        "contact_id": twins.stays.public_id,
        "merged_id": twins.goes.public_id,
        "jid": twins.stays.jid,
    }
    return NewEvent("contact.merged", session.tenant_id, lifecycle.shard_of(session), payload)
