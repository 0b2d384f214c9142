import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import path
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily

from orsta.core.observability import health, metrics, views
from orsta.core.observability.middleware import TraceMiddleware
from orsta.core.outbox.models import OutboxEvent
from orsta.core.tests.factories import emit_steps


@pytest.fixture
def only_our_checks(monkeypatch):
    """Leave out what the apps registered."""
    monkeypatch.setattr(health, "_row_checks", {"outbox": health._outbox})


def test_health_asks_nothing_of_anything_else(client):
    # No database mark: a query would fail the test.
    response = client.get("/health")

    assert (response.status_code, response.json()) == (200, {"status": "healthy"})
    assert client.head("/health").status_code == 200
    assert client.post("/health").status_code == 405
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.django_db
def test_ready_names_every_check(client, only_our_checks):
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {
            "database": {"ok": True, "detail": "reachable"},
            "redis": {"ok": True, "detail": "reachable"},
            "outbox": {"ok": True, "detail": "0 waiting, oldest 0 s, 0 parked"},
        },
    }


@pytest.mark.django_db
def test_an_outbox_that_nobody_empties_is_not_ready(client, only_our_checks):
    emit_steps(2)
    late = OutboxEvent.objects.first().occurred_at - 2 * health.MAX_OUTBOX_LAG
    OutboxEvent.objects.update(occurred_at=late, due_at=late)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["status"] == "not ready"
    assert response.json()["checks"]["outbox"] == {
        "ok": False,
        "detail": "2 waiting, oldest 120 s, 0 parked",
    }


@pytest.mark.django_db
def test_a_parked_event_alone_does_not_take_the_service_down(client, only_our_checks):
    emit_steps(1)
    event = OutboxEvent.objects.get()
    OutboxEvent.objects.update(parked_at=event.occurred_at)

    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_an_event_that_a_subscriber_refuses_does_not_take_the_service_down(
    client, only_our_checks
):
    emit_steps(2)
    failed, behind = OutboxEvent.objects.order_by("pk")
    late, soon = (
        failed.occurred_at + step
        for step in (-2 * health.MAX_OUTBOX_LAG, health.MAX_OUTBOX_LAG)
    )
    OutboxEvent.objects.update(occurred_at=late, due_at=late)
    OutboxEvent.objects.filter(pk=failed.pk).update(attempts=7, due_at=soon)

    assert client.get("/readyz").status_code == 200

    OutboxEvent.objects.filter(pk=behind.pk).update(shard="another")
    assert client.get("/readyz").status_code == 503


def test_without_a_database_the_rows_are_not_asked(client, monkeypatch):
    def away():
        raise OperationalError("at 10.0.0.5")

    def never():
        raise AssertionError("asked")

    monkeypatch.setattr(health, "_database", away)
    monkeypatch.setattr(health, "_row_checks", {"outbox": never})

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"]["database"] == {"ok": False, "detail": "unreachable"}
    assert response.json()["checks"]["outbox"]["ok"] is False
    assert "10.0.0.5" not in response.content.decode()


@pytest.mark.django_db
def test_without_redis_only_redis_is_not_ready(client, no_redis, only_our_checks):
    response = client.get("/readyz")

    assert response.status_code == 503
    verdicts = {name: check["ok"] for name, check in response.json()["checks"].items()}
    assert verdicts == {"database": True, "redis": False, "outbox": True}


@pytest.fixture
def answer_with():
    """Send a request through the middleware and a view that answers `status`."""

    def send(status: int, method: str = "GET", **headers: str):
        request = RequestFactory().generic(method, "/x", headers=headers)
        request.resolver_match = path("v1/x/<str:key>", views.alive).resolve("v1/x/secret")
        return TraceMiddleware(lambda _: HttpResponse(status=status))(request)

    return send


def test_every_answer_carries_its_request_id(answer_with):
    assert answer_with(200, **{"X-Request-Id": "from-the-proxy"})["X-Request-Id"] == (
        "from-the-proxy"
    )
    assert len(answer_with(200)["X-Request-Id"]) == 32


def test_requests_are_counted_by_route_and_not_by_path(answer_with):
    counter = metrics.REQUESTS.labels("GET", "v1/x/<str:key>", 207)

    answer_with(207)

    assert counter._value.get() == 1


def test_invented_methods_make_no_new_series(answer_with):
    answer_with(208, method="PWN-1")
    answer_with(208, method="PWN-2")

    assert metrics.REQUESTS.labels("other", "v1/x/<str:key>", 208)._value.get() == 2


@pytest.mark.django_db
def test_metrics_show_ours_and_what_apps_read_from_rows(client):
    collector = metrics._Rows(lambda: [GaugeMetricFamily("orsta_test_rows", "x", value=7)])
    REGISTRY.register(collector)

    response = client.get("/metrics")
    REGISTRY.unregister(collector)

    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert b"orsta_test_rows 7.0" in response.content
    assert b"orsta_websockets 0.0" in response.content


@pytest.mark.django_db
def test_metrics_without_the_database_are_those_of_the_process(client):
    def away():
        raise OperationalError("the database is away")
        yield

    collector = metrics._Rows(away)
    REGISTRY.register(collector)
    try:
        response = client.get("/metrics")
    finally:
        REGISTRY.unregister(collector)

    assert response.status_code == 200
    assert b"orsta_http_requests_total" in response.content
