"""Background work of the session aggregate: load, call one service."""

from datetime import timedelta

from celery import Task, shared_task
from django.db.models import Q
from django.utils import timezone

from sessions_app.engines.base import EngineError
from sessions_app.models import Gateway, Proxy, Session
from sessions_app.services import (
    engine_refs,
    expiration,
    gateways,
    holds,
    inbox,
    leases,
    outages,
    provisioning,
    proxies,
    restrictions,
    surveys,
)
from sessions_app.states import DesiredState, ProxyState, SessionStatus

_RESUME_AFTER = timedelta(seconds=20)  # a task that Redis lost is enqueued again after this
_MAX_RETRIES = 5
# The periods of settings/jobs.py: what waited longer in the queue is asked anew anyway.
_SURVEY_EVERY = timedelta(seconds=30)
_PROXIES_EVERY = timedelta(minutes=5)


@shared_task(bind=True, max_retries=_MAX_RETRIES)
def provision_session(self: "Task[..., None]", *, session_id: int, **_: object) -> None:
    """Prepare the engine of a new session; what does not pass ends as FAULTED."""
    now = timezone.now()
    try:
        provisioning.provision(session_id=session_id, now=now)
    except EngineError as error:
        if error.retryable and self.request.retries < _MAX_RETRIES:
            raise self.retry(exc=error, countdown=2**self.request.retries) from error
        provisioning.fail_provisioning(session_id=session_id, reason=str(error), now=now)
    except engine_refs.Unusable as error:
        provisioning.fail_provisioning(
            session_id=session_id, reason=str(error), reason_code=error.code, now=now
        )


@shared_task
def resume_provisioning(**_: object) -> None:
    """Enqueue again what should have been provisioned by now."""
    before = timezone.now() - _RESUME_AFTER
    # One that lived elsewhere, or was lost there, is no longer called CREATED.
    moved = Q(desired=DesiredState.RUNNING, hold="", updated_at__lt=before)
    stuck = Session.objects.filter(
        Q(status=SessionStatus.CREATED) | moved, provisioned_at=None, created_at__lt=before
    ).exclude(desired=DesiredState.DELETED)
    for session_id in stuck.order_by("pk").values_list("pk", flat=True)[:1_000]:
        provision_session.delay(session_id=session_id)


@shared_task(ignore_result=True)
def survey_gateways(**_: object) -> None:
    """Ask every gateway, each in a task of its own: one that hangs delays no other."""
    for gateway_id in Gateway.objects.order_by("pk").values_list("pk", flat=True):
        survey_gateway.apply_async(
            kwargs={"gateway_id": gateway_id}, expires=_SURVEY_EVERY.total_seconds()
        )


@shared_task(ignore_result=True)
def survey_gateway(*, gateway_id: int, **_: object) -> None:
    """Ask one gateway for itself and all its sessions."""
    surveys.survey(gateway_id=gateway_id, now=timezone.now())


@shared_task(ignore_result=True)
def follow_gateway(*, gateway_id: str, **_: object) -> None:
    """Let a gateway's sessions follow its state, batch by batch."""
    while outages.follow_gateway(gateway_id=gateway_id, now=timezone.now()):
        continue


@shared_task(
    autoretry_for=(EngineError,), retry_backoff=True, max_retries=_MAX_RETRIES, acks_late=True
)
def clear_place(*, session_id: str, gateway_id: str, **_: object) -> None:
    """Have a gateway forget a session that moved away."""
    gateways.clear_place(session_id=session_id, gateway_id=gateway_id)


@shared_task(ignore_result=True)
def check_proxies(**_: object) -> None:
    """Try every proxy that is in use, each in a task of its own."""
    active = Proxy.objects.filter(state=ProxyState.ACTIVE)
    for proxy_id in active.order_by("pk").values_list("pk", flat=True):
        check_proxy.apply_async(
            kwargs={"proxy_id": proxy_id}, expires=_PROXIES_EVERY.total_seconds()
        )


@shared_task(ignore_result=True)
def check_proxy(*, proxy_id: int, **_: object) -> None:
    """Try one proxy."""
    proxies.check(proxy_id=proxy_id, now=timezone.now())


@shared_task(ignore_result=True)
def follow_proxy(*, proxy_id: str, **_: object) -> None:
    """Let a proxy's sessions follow its state and its health, batch by batch."""
    while outages.follow_proxy(proxy_id=proxy_id, now=timezone.now()):
        continue


@shared_task(ignore_result=True)
def forget_webhooks(**_: object) -> None:
    """Delete what gateways posted long ago."""
    inbox.forget_old(now=timezone.now())


@shared_task
def watch_runners(**_: object) -> None:
    """Tell the truth about sessions whose runner died, and forget runners long gone."""
    now = timezone.now()
    leases.mark_orphans(now=now)
    leases.forget_runners(now=now)


@shared_task(ignore_result=True)
def refresh_holds(*, tenant_id: int, **_: object) -> None:
    """Hold the tenant's sessions, or let them go on, as its plan and status say now."""
    holds.refresh(tenant_id=tenant_id, now=timezone.now())


@shared_task(ignore_result=True)
def lift_restrictions(**_: object) -> None:
    """Let sessions write to new chats again once WhatsApp's term is over."""
    restrictions.lift_due(now=timezone.now())


@shared_task(ignore_result=True)
def stop_expired(**_: object) -> None:
    """Stop sessions whose expiration has passed."""
    expiration.stop_due(now=timezone.now())
