"""Create, change and delete sessions, and prepare their engines."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import Tenant
from accounts.principal import Principal
from orsta.core import doorbell, errors, http
from sessions_app import selectors
from sessions_app.engines import registry
from sessions_app.models import DEFAULT_EVENTS, Lease, Session
from sessions_app.services import engine_refs, expiration, lifecycle, placement
from sessions_app.services.commands import BELL
from sessions_app.states import DesiredState, SessionStatus
from subscriptions import selectors as subscriptions
from subscriptions.models import Feature
from subscriptions.services import quotas

_EDITABLE = frozenset(
    {
        "name",
        "device_name",
        "webhook_url",
        "events",
        "expiration_seconds",
        "auto_connect",
        "auto_read_enabled",
        "typing_enabled",
        "history_limit",
    }
)


class UnknownEngine(errors.Invalid):
    """There is no engine of that name."""

    code = "unknown_engine"


class KeyIsLimited(errors.Denied):
    """A key that may touch some sessions only makes no others: it could not touch them."""

    code = "key_limited_to_sessions"


def check_may_create(principal: Principal) -> None:
    """Let a caller create sessions, unless its key is limited to those that there are.

    :raises KeyIsLimited: it is.
    """
    if principal.session_ids is not None:
        raise KeyIsLimited("This key works for some sessions only and can't create others.")


@transaction.atomic
def create_session(
    *,
    tenant: Tenant,
    now: datetime,
    name: str,
    engine: str | None = None,
    proxy_country: str = "",
    events: str = DEFAULT_EVENTS,
    **options: Any,
) -> Session:
    """Reserve a place of the plan and record the session; provisioning follows the event.

    :param engine: None takes the plan's, or else `settings.ORSTA_DEFAULT_ENGINE`.
    :param proxy_country: ISO 3166 code; gives the session a proxy that leads there.
    :param options: other editable columns of `Session`; `auto_connect=False` leaves it stopped.
    :raises QuotaExceeded: the plan has no free place.
    :raises UnknownEngine: no such engine.
    :raises UnsafeAddress: the webhook's URL does not lead to the public internet.
    :raises NoGatewayCapacity: the engine needs a gateway, and none has room.
    :raises NoProxyAvailable: a proxy is needed, and none fits.
    :raises CapabilityMissing: a proxy is asked for, and the engine can't use one.
    """
    _check_webhook(options)
    kind = engine or _engine_of(tenant, now=now)
    if kind not in registry.kinds():
        known = ", ".join(sorted(registry.kinds()))
        raise UnknownEngine(f"There is no engine {kind!r}; choose one of: {known}.")
    quotas.reserve(tenant=tenant, feature=Feature.SESSIONS, now=now)
    running = options.get("auto_connect", True)
    session: Session = Session.objects.create(
        tenant=tenant,
        name=name,
        engine=kind,
        events=events,
        desired=DesiredState.RUNNING if running else DesiredState.STOPPED,
        status_changed_at=now,
        expires_at=expiration.expires_at(options.get("expiration_seconds", 0), now=now),
        **placement.place(engine=kind, proxy_country=proxy_country),
        **options,
    )
    Lease.objects.create(session=session)
    lifecycle.report("session.created", session, name=name)
    return session


def _engine_of(tenant: Tenant, *, now: datetime) -> str:
    plan = subscriptions.entitlements_for(tenant=tenant, now=now)
    return plan.engine or str(settings.ORSTA_DEFAULT_ENGINE)


@transaction.atomic
def update_session(*, session: Session, now: datetime, **changes: Any) -> Session:
    """Change settings of a session; only the editable columns are accepted.

    An expiration counts from the moment it is set, so setting it again puts the end off.

    :raises TypeError: a column that is not editable.
    :raises UnsafeAddress: the webhook's URL does not lead to the public internet.
    """
    _check_webhook(changes)
    unknown = set(changes) - _EDITABLE
    if unknown:
        raise TypeError(f"not editable: {sorted(unknown)}")
    if "expiration_seconds" in changes:
        changes["expires_at"] = expiration.expires_at(changes["expiration_seconds"], now=now)
    for column, value in changes.items():
        setattr(session, column, value)
    session.save(update_fields=[*changes, "updated_at"])
    lifecycle.report("session.updated", session, name=session.name)
    return session


def _check_webhook(fields: dict[str, Any]) -> None:
    if fields.get("webhook_url"):
        http.check_url(fields["webhook_url"])


@transaction.atomic
def delete_session(*, session: Session, now: datetime) -> None:
    """Delete a session: it is gone for its tenant at once, and its place is free again.

    The runner unlinks the device and makes the engine forget it; then the row says DELETED.

    :raises SessionNotFound: somebody else deleted it first.
    """
    present = Session.objects.filter(pk=session.pk).exclude(desired=DesiredState.DELETED)
    if present.update(desired=DesiredState.DELETED, updated_at=now) != 1:
        raise selectors.SessionNotFound("There is no such session.")
    quotas.give_back(tenant=session.tenant, feature=Feature.SESSIONS, amount=1, taken_at=None)
    lifecycle.report("session.deleted", session, name=session.name)
    doorbell.ring_on_commit(BELL)


def provision(*, session_id: int, now: datetime) -> None:
    """Let the engine prepare a session, then hand it to the runner. Safe to repeat.

    :raises EngineError: the engine could not; ask again if it is retryable.
    :raises Unusable: its gateway or its proxy is out of use.
    """
    rows = Session.objects.select_related("gateway", "proxy")
    session = rows.filter(pk=session_id).first()
    if session is None or session.provisioned_at or session.desired == DesiredState.DELETED:
        return
    registry.engine(session.engine).provision(engine_refs.ref_of(session))
    with transaction.atomic():
        fresh = Session.objects.select_for_update().filter(pk=session_id).first()
        if fresh is None or fresh.provisioned_at or fresh.gateway_id != session.gateway_id:
            return  # whoever moved it away meanwhile asked for its preparation there
        _prepared(fresh, now=now)


def _prepared(session: Session, *, now: datetime) -> None:
    Session.objects.filter(pk=session.pk).update(provisioned_at=now)
    if session.may_run:
        lifecycle.transition(session, SessionStatus.STARTING, now=now, reason="provisioned")
        doorbell.ring_on_commit(BELL)
    elif session.status == SessionStatus.CREATED and session.desired != DesiredState.DELETED:
        lifecycle.transition(session, SessionStatus.STOPPED, now=now, reason="provisioned")


@transaction.atomic
def fail_provisioning(
    *, session_id: int, reason: str, now: datetime, reason_code: str = "engine_error"
) -> None:
    """Record why the engine can't prepare the session; a start tries again."""
    session = Session.objects.select_for_update().filter(pk=session_id).first()
    if session is None or session.provisioned_at or session.is_live:
        return
    if session.status != SessionStatus.CREATED:  # it lived before, somewhere else
        lifecycle.transition(session, SessionStatus.STARTING, now=now, reason="start requested")
    lifecycle.give_up(
        session, SessionStatus.FAULTED, now=now, reason=reason, reason_code=reason_code
    )
