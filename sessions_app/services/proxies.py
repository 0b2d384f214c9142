"""The pool of proxies: what staff do to it, and whether its proxies work.

A session that has a proxy keeps it until staff say otherwise, and never connects without.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.services import audit
from orsta.core import errors
from orsta.core.outbox.services import emit
from sessions_app.engines.capabilities import Capability
from sessions_app.models import Proxy, Session
from sessions_app.services import capabilities, commands, placement, proxy_probe
from sessions_app.states import CommandKind, Health, ProxyState

_ACTIONS = {ProxyState.ACTIVE: "enabled", ProxyState.DISABLED: "disabled"}
_ERROR_LENGTH = 300
_COUNTRY_LENGTH = 2
MAX_LINES = 1_000


class StateUnchanged(errors.Conflict):
    """The proxy is in that state already."""

    code = "proxy_state_unchanged"


class ProxyFull(errors.Conflict):
    """As many sessions share the proxy as may."""

    code = "proxy_full"


class ProxyInUse(errors.Conflict):
    """Sessions connect through the proxy."""

    code = "proxy_in_use"


class ProxyDown(errors.UpstreamFailed):
    """The proxy does not connect us."""

    code = "proxy_down"


class BadLines(errors.Invalid):
    """Some lines of a list of proxies can't be read; none was taken."""

    code = "bad_proxy_list"


@dataclass(frozen=True, slots=True)
class _Line:
    url: str
    name: str
    country: str


@transaction.atomic
def save(*, proxy: Proxy, changed: Sequence[str], actor: str, now: datetime) -> None:
    """Save what staff wrote; a proxy whose URL changed is unknown until it is checked.

    Sessions that run reconnect through the new URL when their connection ends.

    :param changed: the columns that differ.
    """
    action = "changed" if proxy.pk else "added"
    if "url" in changed:
        proxy.health, proxy.error, proxy.down_since = Health.UNKNOWN, "", None
    proxy.save()
    _record(action, proxy, actor=actor, reason="", now=now, changed=sorted(changed))


@transaction.atomic
def assign(
    *, session: Session, proxy: Proxy | None, actor: str, reason: str, now: datetime
) -> None:
    """Let a session connect through this proxy from now on; None: directly.

    A session that runs reconnects.

    :raises CapabilityMissing: the session's engine can't use a proxy.
    :raises ProxyFull: too many sessions share it.
    """
    rows = Session.objects.select_for_update(of=("self",)).select_related("tenant")
    session = rows.get(pk=session.pk)
    before = session.proxy  # not joined: a join has what was there before the lock
    if proxy is not None:
        capabilities.require(session, Capability.PER_SESSION_PROXY)
        locked = Proxy.objects.select_for_update(no_key=True).get(pk=proxy.pk)
        if before != locked and placement.used_by(locked) >= locked.capacity:
            raise ProxyFull(f"{locked.name} has no room for another session.")
    Session.objects.filter(pk=session.pk).update(proxy=proxy, updated_at=now)
    audit.record(
        action="session.proxy_assigned",
        actor=actor,
        now=now,
        tenant=session.tenant,
        target=session.public_id,
        reason=reason,
        before={"proxy": before.public_id if before else None},
        after={"proxy": proxy.public_id if proxy else None},
    )
    if session.may_run and session.is_live:
        commands.queue(session=session, kind=CommandKind.RECONNECT, payload={}, now=now)


@transaction.atomic
def set_state(
    *, proxy: Proxy, state: ProxyState, actor: str, reason: str, now: datetime
) -> None:
    """Take a proxy into use, or out of it: then its sessions stop, and say why.

    :raises StateUnchanged: it is so already.
    """
    others = Proxy.objects.filter(pk=proxy.pk).exclude(state=state)
    if others.update(state=state, updated_at=now) != 1:
        raise StateUnchanged(f"The proxy is {state.label.lower()} already.")
    _record(_ACTIONS[state], proxy, actor=actor, reason=reason, now=now)
    report(f"proxy.{_ACTIONS[state]}", proxy)


@transaction.atomic
def delete(*, proxy: Proxy, actor: str, reason: str, now: datetime) -> None:
    """Remove a proxy that no session has.

    :raises ProxyInUse: some have it.
    """
    locked = Proxy.objects.select_for_update().get(pk=proxy.pk)
    if held := placement.used_by(locked):
        raise ProxyInUse(f"{held} sessions connect through it. Give them another one first.")
    Session.objects.filter(proxy=locked).update(proxy=None)  # these are deleted
    _record("deleted", locked, actor=actor, reason=reason, now=now)
    locked.delete()


@transaction.atomic
def add_many(*, text: str, capacity: int, actor: str, reason: str, now: datetime) -> int:
    """Add a proxy for each line `url`, `url,name` or `url,name,country`; return how many.

    All or nothing. Proxies that are in the pool already, by URL, are left as they are.

    :raises BadLines: with the numbers of the lines that can't be read.
    """
    lines = _read(text)
    known = {proxy.url for proxy in Proxy.objects.all()}
    names = {name.lower() for name in Proxy.objects.values_list("name", flat=True)}
    fresh = [line for line in lines if line.url not in known]
    taken = [line.name for line in fresh if line.name.lower() in names]
    if taken:
        raise BadLines(f"Other proxies have these names: {', '.join(taken[:10])}.")
    rows = Proxy.objects.bulk_create(
        Proxy(url=line.url, name=line.name, country=line.country, capacity=capacity)
        for line in fresh
    )
    for proxy in rows:
        _record("added", proxy, actor=actor, reason=reason, now=now)
    return len(rows)


def check(*, proxy_id: int, now: datetime) -> bool:
    """Try a proxy and write down whether it works; return that. Safe to repeat.

    Sessions whose proxy came back are connected again without waiting.
    """
    proxy = Proxy.objects.filter(pk=proxy_id).first()
    if proxy is None:
        return False
    try:
        proxy_probe.probe(proxy.url)
    except proxy_probe.ProxyFailed as error:
        _note(proxy, Health.DOWN, error=str(error), down_since=proxy.down_since or now, now=now)
        return False
    _note(proxy, Health.UP, error="", down_since=None, now=now)
    return True


def test(*, proxy_id: int, now: datetime) -> None:
    """Try a proxy because somebody wants to know.

    :raises ProxyDown: it does not connect us.
    """
    if not check(proxy_id=proxy_id, now=now):
        error = Proxy.objects.filter(pk=proxy_id).values_list("error", flat=True).first()
        raise ProxyDown(error or "There is no such proxy.")


def is_country(text: str) -> bool:
    """Say whether it looks like an ISO 3166 code."""
    return len(text) == _COUNTRY_LENGTH and text.isascii() and text.isalpha()


def place_of(proxy: Proxy) -> str:
    """Return the part of its URL that may be shown."""
    try:
        return proxy_probe.parse(proxy.url).place
    except proxy_probe.BadProxyUrl:
        return "not a URL"


def report(name: str, proxy: Proxy, /) -> None:
    """Emit an event of this proxy, in the caller's transaction."""
    shard = f"proxy:{proxy.public_id}"
    emit(name, tenant_id=None, shard=shard, proxy_id=proxy.public_id)


@transaction.atomic
def _note(proxy: Proxy, health: Health, *, now: datetime, error: str, **changes: Any) -> None:
    Proxy.objects.filter(pk=proxy.pk).update(
        health=health, error=error[:_ERROR_LENGTH], checked_at=now, **changes
    )
    if proxy.health == Health.DOWN and health == Health.UP:
        report("proxy.came_back", proxy)


def _record(
    action: str, proxy: Proxy, *, actor: str, reason: str, now: datetime, **detail: Any
) -> None:
    audit.record(
        action=f"proxy.{action}",
        actor=actor,
        now=now,
        target=proxy.public_id,
        reason=reason,
        after={"name": proxy.name, "country": proxy.country, "capacity": proxy.capacity},
        **detail,
    )


def _read(text: str) -> list[_Line]:
    """Read the lines; of equal URLs the first counts."""
    lines: dict[str, _Line] = {}
    bad: list[str] = []
    for number, row in enumerate(csv.reader(text.splitlines()), start=1):
        cells = [cell.strip() for cell in row] + ["", "", ""]
        url, name, country = cells[:3]
        if not url:
            continue
        try:
            place = proxy_probe.parse(url).place
        except proxy_probe.BadProxyUrl as error:
            bad.append(f"line {number}: {error}")
            continue
        if country and not is_country(country):
            bad.append(f"line {number}: the country is a code of two letters.")
        default = place.partition("://")[2]
        lines.setdefault(url, _Line(url, (name or default)[:80], country.upper()))
    names = [line.name.lower() for line in lines.values()]
    bad += [f"the name {name} is there twice" for name in names if names.count(name) > 1]
    if bad or not 0 < len(lines) <= MAX_LINES:
        raise BadLines(" ".join(bad[:10]) or f"Give 1 to {MAX_LINES} lines.")
    return list(lines.values())
