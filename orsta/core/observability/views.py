"""Probes and metrics: plain Django views, cheap enough to be asked every second."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from orsta.core.observability import health


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """`/health`: this process answers. Asks nothing of anything else."""
    return JsonResponse({"status": "healthy"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """`/readyz`: everything needed to do the main job is there; 503 names what is not."""
    outcomes = health.run()
    ok = all(outcome.ok for outcome in outcomes.values())
    body = {
        "status": "ready" if ok else "not ready",
        "checks": {
            name: {"ok": outcome.ok, "detail": outcome.detail}
            for name, outcome in outcomes.items()
        },
    }
    return JsonResponse(body, status=200 if ok else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """`/metrics`: Prometheus text. Keep it off the public side at the proxy."""
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
