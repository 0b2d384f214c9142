"""Time passing, as Celery beat announces it."""

from celery import shared_task
from django.utils import timezone

from billing.services import answers, reconciliation


@shared_task(ignore_result=True)
def reconcile_payments(**_: object) -> None:
    """Settle payments whose outcome nobody wrote down."""
    reconciliation.reconcile(now=timezone.now())


@shared_task(ignore_result=True)
def forget_keys(**_: object) -> None:
    """Free idempotency keys that were kept long enough."""
    answers.forget_keys(now=timezone.now())
