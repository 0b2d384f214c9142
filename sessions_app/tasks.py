"""Background work of the session aggregate: load, call one service."""

from datetime import timedelta

from celery import Task, shared_task
from django.utils import timezone

from sessions_app.engines.base import EngineError
from sessions_app.models import Session
from sessions_app.services import expiration, holds, leases, provisioning
from sessions_app.states import DesiredState, SessionStatus

_RESUME_AFTER = timedelta(seconds=20)  # a task that Redis lost is enqueued again after this
_MAX_RETRIES = 5


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


@shared_task
def resume_provisioning(**_: object) -> None:
    """Enqueue again what should have been provisioned by now."""
    stuck = Session.objects.filter(
        provisioned_at=None,
        status=SessionStatus.CREATED,
        created_at__lt=timezone.now() - _RESUME_AFTER,
    ).exclude(desired=DesiredState.DELETED)
    for session_id in stuck.order_by("pk").values_list("pk", flat=True)[:1_000]:
        provision_session.delay(session_id=session_id)


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
def stop_expired(**_: object) -> None:
    """Stop sessions whose expiration has passed."""
    expiration.stop_due(now=timezone.now())
