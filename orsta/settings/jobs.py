"""Celery: how tasks travel, and what beat starts when."""

from datetime import timedelta

from orsta.settings.base import REDIS_URL

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# What is printed stays as it is: in development, the mails. As log lines they would lose
# their codes and links to the redaction.
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Publishing fails fast when Redis is away: the outbox keeps the event and tries again.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,  # longer than any task; a dead worker's tasks come back after it
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    # Publishing gives up at once as well: by default this takes six seconds.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
CELERY_TIMEZONE = "UTC"
_PERIODIC = {
    "accounts.tasks.resume_mail": timedelta(seconds=30),
    "accounts.tasks.forget_spent": timedelta(hours=1),
    "orsta.core.outbox.tasks.prune_outbox": timedelta(hours=1),
    "orsta.core.api.tasks.prune_idempotency": timedelta(hours=1),
    "sessions_app.tasks.resume_provisioning": timedelta(seconds=30),
    "sessions_app.tasks.stop_expired": timedelta(seconds=30),
    "sessions_app.messaging.tasks.prune_history": timedelta(minutes=10),
    "sessions_app.tasks.survey_gateways": timedelta(seconds=30),
    "sessions_app.tasks.check_proxies": timedelta(minutes=5),
    "sessions_app.tasks.forget_webhooks": timedelta(hours=1),
    "sessions_app.tasks.watch_runners": timedelta(seconds=15),
    "sessions_app.contacts.tasks.resume_syncs": timedelta(seconds=30),
    "sessions_app.messaging.tasks.resume_moves": timedelta(minutes=1),
    "accounts.tasks.tend_exports": timedelta(minutes=1),
    "accounts.tasks.purge_tenants": timedelta(minutes=10),
    "accounts.tasks.verify_audit": timedelta(days=1),
    "sessions_app.tasks.lift_restrictions": timedelta(minutes=1),
    "billing.tasks.reconcile_payments": timedelta(minutes=1),
    "billing.tasks.forget_keys": timedelta(hours=1),
    "subscriptions.tasks.advance_subscriptions": timedelta(minutes=1),
    "subscriptions.tasks.note_gauges": timedelta(hours=6),
}
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": period} for task, period in _PERIODIC.items()
}
