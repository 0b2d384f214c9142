"""The Celery application; tasks are found in every installed app."""

import os

from celery import Celery, signals
from django.core.exceptions import ImproperlyConfigured

from orsta.core.observability import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orsta.settings")

app = Celery("orsta")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_init.connect
@signals.beat_init.connect
def refuse_wrong_settings(**_: object) -> None:
    """Stop a worker or beat whose configuration is incomplete; Celery only runs the checks.

    :raises SystemExit: any other exception would be logged and ignored.
    """
    from orsta import checks

    try:
        checks.require()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error


@signals.task_prerun.connect
def begin_trace(task_id: str = "", **_: object) -> None:
    """Give the task's log lines its id as their trace id."""
    tracing.start(task_id)
