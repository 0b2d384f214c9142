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

# Both contacts of each person who has two, locked in the order of their ids.
_TWINS = """
SELECT contact.*, move.old AS old_jid, move.new AS new_jid
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS move (session_id, old, new)
JOIN contacts_contact contact
    ON contact.session_id = move.session_id AND contact.jid IN (move.old, move.new)
ORDER BY contact.id FOR UPDATE OF contact
"""
# A number belongs to the person who was seen with it last.
_TAKE_NUMBER = """
UPDATE contacts_contact contact
SET phone = CASE WHEN contact.jid = owner.new THEN owner.phone ELSE '' END, updated_at = %s
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS owner (session_id, phone, new)
WHERE contact.session_id = owner.session_id
    AND ((contact.jid = owner.new AND contact.phone <> owner.phone)
         OR (contact.phone = owner.phone AND contact.jid <> owner.new
             AND contact.jid <> owner.phone || '@s.whatsapp.net'))
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
        cursor.execute(_TAKE_NUMBER, [now, *map(list, columns)])


def _find(moves: Sequence[Move]) -> tuple[list[_Twins], list[tuple[Contact, str]]]:
    """Return who has two contacts, and the contacts that only have the wrong JID."""
    columns = zip(*((move.session_id, move.old, move.new) for move in moves), strict=True)
    rows = list(Contact.objects.raw(_TWINS, [list(column) for column in columns]))
    known = {(row.session_id, row.jid): row for row in rows}
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
