"""How subscribers reach the workers, and what happens when the broker is away."""

import time

import pytest
from celery import Celery

from orsta.core.outbox.enqueue import enqueue
from orsta.core.outbox.registry import TransportDown


def app_at(broker: str) -> Celery:
    """Return an application with our configuration and another broker."""
    app = Celery("test", broker=broker)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = broker
    return app


def test_without_a_broker_the_relay_is_told_at_once():
    app = app_at("redis://127.0.0.1:1/0")

    @app.task
    def work(**_: object) -> None:
        """Never run."""

    started = time.monotonic()
    with pytest.raises(TransportDown):
        enqueue(work, session_id=1)

    assert time.monotonic() - started < 5


def test_arguments_reach_the_queue(settings):
    app = app_at(settings.REDIS_URL)
    app.conf.task_default_queue = "enqueue-test"

    @app.task
    def work(**_: object) -> None:
        """Never run."""

    enqueue(work, session_id=7)

    with app.connection_for_read() as connection:
        message = connection.SimpleQueue("enqueue-test").get(timeout=5)
        message.ack()
    assert message.payload[1] == {"session_id": 7}
