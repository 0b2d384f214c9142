"""Tenants that sibling services bring: found or made, many in a few statements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.models import ApiKey, Tenant
from accounts.services import audit, keys
from orsta.core import errors
from orsta.core.outbox.services import NewEvent, emit_many


class NoSource(errors.Invalid):
    """A tenant of a sibling service has a source and an id there."""

    code = "source_required"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A tenant as its service names it."""

    source: str
    external_id: str
    created_by: str = ""

    @property
    def address(self) -> tuple[str, str]:
        """Return what there is one tenant of."""
        return self.source, self.external_id


@dataclass(frozen=True, slots=True)
class Onboarded:
    """The tenant; `api_key` is "" unless it is new. Show it once, store it nowhere."""

    tenant: Tenant
    created: bool
    api_key: str = field(default="", repr=False)


@transaction.atomic
def onboard(*, newcomers: Sequence[Newcomer], actor: str, now: datetime) -> list[Onboarded]:
    """Return the tenant of each newcomer, in their order; make those that are not there.

    A new tenant gets a key that works at once. A known one is left as it is, whoever names it:
    its source is part of its identity and never changes. Of two callers who bring the same
    newcomer, one makes it and the other waits and finds it.

    :raises NoSource: a newcomer has no source or no id.
    """
    if not all(all(newcomer.address) for newcomer in newcomers):
        raise NoSource("Give a source and an id.")
    wanted = {newcomer.address: newcomer for newcomer in reversed(newcomers)}
    known = _find(wanted)
    fresh = _make([wanted[address] for address in sorted(wanted.keys() - known.keys())], now)
    texts = _open(fresh, actor=actor, now=now)
    # What somebody else made meanwhile is visible now: the insert waited for it.
    known |= fresh | _find(wanted.keys() - known.keys() - fresh.keys())
    onboarded = []
    for newcomer in newcomers:
        text = texts.pop(newcomer.address, "")  # the first of several rows shows it
        onboarded.append(Onboarded(known[newcomer.address], created=text != "", api_key=text))
    return onboarded


def _find(addresses: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Tenant]:
    by_source: dict[str, list[str]] = {}
    for source, external_id in addresses:
        by_source.setdefault(source, []).append(external_id)
    rows: list[Tenant] = []
    for source, external_ids in by_source.items():
        named = Tenant.objects.filter(~Q(external_id=""), source=source)
        rows += named.filter(external_id__in=external_ids)
    return {(row.source, row.external_id): row for row in rows}


def _make(newcomers: list[Newcomer], now: datetime) -> dict[tuple[str, str], Tenant]:
    """Insert in the order of the addresses: two callers who meet wait, and never deadlock."""
    drafts = [
        Tenant(
            name=newcomer.external_id,
            source=newcomer.source,
            external_id=newcomer.external_id,
            created_by=newcomer.created_by,
            api_enabled=True,
        )
        for newcomer in newcomers
    ]
    Tenant.objects.bulk_create(drafts, ignore_conflicts=True)
    ours = Tenant.objects.filter(public_id__in=[draft.public_id for draft in drafts])
    return {(row.source, row.external_id): row for row in ours} if drafts else {}


def _open(
    tenants: dict[tuple[str, str], Tenant], *, actor: str, now: datetime
) -> dict[tuple[str, str], str]:
    """Give new tenants their first key, and say so; return the keys' texts."""
    issued = {address: keys.draft(tenant=tenant) for address, tenant in tenants.items()}
    ApiKey.objects.bulk_create(key.row for key in issued.values())
    entries, events = [], []
    for address, tenant in tenants.items():
        names = {"source": tenant.source, "external_id": tenant.external_id}
        facts: dict[str, Any] = {"actor": actor, "now": now, "tenant": tenant}
        key_id = issued[address].row.public_id
        entries += [
            audit.entry(action="tenant.created", target=tenant.public_id, after=names, **facts),
            audit.entry(action="api_key.issued", target=key_id, **facts),
        ]
        shard = f"tenant:{tenant.public_id}"
        payload = {"tenant": tenant.public_id}
        events.append(NewEvent("tenant.created", tenant.pk, shard, payload))
    audit.record_many(entries)
    emit_many(events)
    return {address: key.text for address, key in issued.items()}
