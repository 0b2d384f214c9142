"""Remember the people who write to a session."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from sessions_app import jids
from sessions_app.contacts import selectors
from sessions_app.contacts.services import addressbook, identities, storable
from sessions_app.contacts.states import IdentitySource
from sessions_app.engines.events import ContactEntry, IdentityMapped
from sessions_app.models import Session

_PEOPLE = frozenset({jids.PHONE_SERVER, jids.LID_SERVER})


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody showed up in a session, with what their message told about them."""

    session: Session
    jid: str
    push_name: str = ""
    phone: str = ""


@transaction.atomic(savepoint=False)
def remember(*, sightings: Iterable[Sighting], now: datetime) -> None:
    """Make contacts of unknown people and keep push names fresh, however many at once.

    People beyond what the tenant's plan keeps are left out; `addressbook` says how exactly.
    The address book's names stay as they are. Groups, channels and bots are nobody's contact.
    A sighting that names both LID and phone number tells who is who.
    """
    latest = {
        (seen.session.pk, seen.jid): seen
        for seen in sightings
        if seen.jid.rpartition("@")[2] in _PEOPLE
    }
    identities.learn(
        mapped=[
            (seen.session, IdentityMapped(lid=seen.jid, phone=seen.phone))
            for seen in latest.values()
            if seen.phone and jids.is_lid(seen.jid)
        ],
        now=now,
        source=IdentitySource.MESSAGE,
    )
    rows = []
    for seen in latest.values():
        entry = ContactEntry(seen.jid, phone=seen.phone, push_name=seen.push_name)
        if (row := storable.entry_row(entry)) is not None:
            rows.append(
                row | {"session_id": seen.session.pk, "tenant_id": seen.session.tenant_id}
            )
    if rows:
        limits = selectors.limits_of({row["tenant_id"] for row in rows}, now=now)
        addressbook.merge_sightings(rows, limits=limits, now=now)
