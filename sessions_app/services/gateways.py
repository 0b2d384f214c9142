"""What staff do to the fleet of gateways; every step has a reason and leaves a trace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.services import audit
from orsta.core import errors
from orsta.core.outbox.services import emit
from sessions_app.engines import registry
from sessions_app.engines.base import SessionRef
from sessions_app.models import Gateway, Session
from sessions_app.services import engine_refs, lifecycle, placement
from sessions_app.states import LIVE, DesiredState, GatewayState, Health, SessionStatus

MOVED = "moved to another gateway; scan a new code"
_ACTIONS = {
    GatewayState.ACTIVE: "activated",
    GatewayState.DRAINING: "drained",
    GatewayState.QUARANTINED: "quarantined",
}
_MOVES_AT_ONCE = 500
# A linked device stays in its gateway.
_WITHOUT_DEVICE = Q(jid="") | Q(status=SessionStatus.LOGGED_OUT)


class StateUnchanged(errors.Conflict):
    """The gateway is in that state already."""

    code = "gateway_state_unchanged"


class GatewayInUse(errors.Conflict):
    """Sessions live in the gateway."""

    code = "gateway_in_use"


class NotMovable(errors.Conflict):
    """The session can't change its gateway now."""

    code = "session_not_movable"


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """What became of a gateway's sessions.

    :param moved: how many without a device went to another gateway.
    :param bound: how many stay, since moving them needs a new pairing or a stop first.
    """

    moved: int
    bound: int


@transaction.atomic
def save(*, gateway: Gateway, changed: Sequence[str], actor: str, now: datetime) -> None:
    """Save what staff wrote; a gateway that moved is unknown until it is asked.

    :param changed: the columns that differ.
    """
    action = "changed" if gateway.pk else "added"
    if {"address", "token", "engine"} & set(changed):
        gateway.health, gateway.error, gateway.down_since = Health.UNKNOWN, "", None
    gateway.save()
    audit.record(
        action=f"gateway.{action}",
        actor=actor,
        now=now,
        target=gateway.public_id,
        after={
            "name": gateway.name,
            "engine": gateway.engine,
            "address": gateway.address,
            "capacity": gateway.capacity,
            "labels": gateway.labels,
        },
        changed=sorted(changed),
    )


@transaction.atomic
def set_state(
    *, gateway: Gateway, state: GatewayState, actor: str, reason: str, now: datetime
) -> None:
    """Let a gateway take sessions, take no new ones, or be neither asked nor believed.

    Quarantine ends the sessions' runs with a reason that says so; lifting it starts them
    again. Both follow the event, in batches.

    :raises StateUnchanged: it is so already.
    """
    others = Gateway.objects.filter(pk=gateway.pk).exclude(state=state)
    if others.update(state=state, updated_at=now) != 1:
        raise StateUnchanged(f"The gateway is {state.label.lower()} already.")
    audit.record(
        action=f"gateway.{_ACTIONS[state]}",
        actor=actor,
        now=now,
        target=gateway.public_id,
        reason=reason,
        before={"state": gateway.state},
        after={"state": state},
    )
    report(f"gateway.{_ACTIONS[state]}", gateway)


@transaction.atomic
def rebalance(*, gateway: Gateway, actor: str, reason: str, now: datetime) -> Rebalanced:
    """Move the sessions that have no device to the emptiest other gateways, while they rest.

    :raises NoGatewayCapacity: there is no room for even one.
    """
    present = Session.objects.filter(gateway=gateway).exclude(desired=DesiredState.DELETED)
    total = present.count()
    resting = present.exclude(status__in=LIVE).filter(_WITHOUT_DEVICE)
    free = resting.select_for_update(of=("self",)).order_by("pk")
    moved = 0
    for session in free[:_MOVES_AT_ONCE]:
        try:
            _move(session, now=now)
        except placement.NoGatewayCapacity:
            if not moved:
                raise
            break
        moved += 1
    audit.record(
        action="gateway.rebalanced",
        actor=actor,
        now=now,
        target=gateway.public_id,
        reason=reason,
        moved=moved,
    )
    return Rebalanced(moved, total - moved)


@transaction.atomic
def move(*, session: Session, actor: str, reason: str, now: datetime) -> Gateway:
    """Move one session to the emptiest other gateway. Its device is unlinked.

    :raises NotMovable: it lives in no gateway, or it runs.
    :raises NoGatewayCapacity: no other gateway has room.
    """
    rows = Session.objects.select_for_update(of=("self",)).select_related("tenant")
    session = rows.get(pk=session.pk)
    left = session.gateway  # not joined: a join has what was there before the lock
    if left is None or session.desired == DesiredState.DELETED:
        raise NotMovable("The session lives in no gateway.")
    if session.is_live:
        raise NotMovable("The session runs. Stop it first, then move it.")
    chosen = _move(session, now=now)
    audit.record(
        action="session.moved",
        actor=actor,
        now=now,
        tenant=session.tenant,
        target=session.public_id,
        reason=reason,
        before={"gateway": left.public_id},
        after={"gateway": chosen.public_id},
    )
    return chosen


@transaction.atomic
def delete(*, gateway: Gateway, actor: str, reason: str, now: datetime) -> None:
    """Remove a gateway that holds no session.

    :raises GatewayInUse: it holds some, or has to forget some first.
    """
    locked = Gateway.objects.select_for_update().get(pk=gateway.pk)
    if held := placement.used_by(locked):
        raise GatewayInUse(f"The gateway holds {held} sessions. Drain and move them first.")
    Session.objects.filter(gateway=locked).update(gateway=None)  # these are deleted
    audit.record(
        action="gateway.deleted",
        actor=actor,
        now=now,
        target=locked.public_id,
        reason=reason,
        before={"name": locked.name, "address": locked.address},
    )
    locked.delete()


def clear_place(*, session_id: str, gateway_id: str) -> None:
    """Have a gateway forget a session that moved away from it. Safe to repeat.

    :param session_id: the public id, as the gateway's; both may be gone by now.
    :raises EngineError: the gateway could not; ask again if it is retryable.
    """
    session = Session.objects.filter(public_id=session_id).first()
    gateway = Gateway.objects.filter(public_id=gateway_id).first()
    if session is None or gateway is None or session.gateway_id == gateway.pk:
        return
    place = engine_refs.place_of(gateway, secret=session.engine_secret)
    registry.engine(gateway.engine).purge(SessionRef(session_id, gateway=place))


def report(name: str, gateway: Gateway, /, **payload: Any) -> None:
    """Emit an event of this gateway, in the caller's transaction."""
    shard = f"gateway:{gateway.public_id}"
    emit(name, tenant_id=None, shard=shard, gateway_id=gateway.public_id, **payload)


def _move(session: Session, *, now: datetime) -> Gateway:
    left = session.gateway
    chosen = placement.gateway_with_room(session.engine, but=left)
    if session.jid and session.status == SessionStatus.STOPPED:
        lifecycle.transition(session, SessionStatus.LOGGED_OUT, now=now, reason=MOVED)
    changes: dict[str, Any] = {"gateway": chosen, "provisioned_at": None, "jid": ""}
    Session.objects.filter(pk=session.pk).update(updated_at=now, **changes)
    lifecycle.report("session.provision_requested", session)
    if left is not None:
        lifecycle.report("session.moved", session, left_gateway=left.public_id)
    return chosen
