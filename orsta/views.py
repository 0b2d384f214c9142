"""What the service itself answers: its front page, its documentation, and failures."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView, View
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

import orsta
from accounts import roles
from orsta import runbook
from orsta.core.api import errors as problems

LINKS = {
    "console": "/console",
    "docs": "/docs",
    "schema": "/schema",
    "health": "/health",
    "ready": "/readyz",
}
# Below these, failures are problem documents whatever the caller accepts.
API_PREFIXES = ("/auth/", "/billing/", "/internal/", "/v1/", "/schema", "/ws")


class ServiceInfo(View):
    """`/`: JSON for programs, a page for browsers."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer in the kind that `Accept` prefers."""
        if _wants_html(request):
            response = render(request, "console/landing.html", {"version": orsta.__version__})
        else:
            response = JsonResponse(
                {
                    "service": "orsta",
                    "status": "running",
                    "version": orsta.__version__,
                    "links": LINKS,
                }
            )
        patch_vary_headers(response, ["Accept"])
        return response


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Send browsers that ask by habit to the icon."""
    return HttpResponsePermanentRedirect(static("console/logo.svg"))


class Schema(SpectacularAPIView):
    """`/schema`: OpenAPI 3 as YAML, or as JSON with `?format=json` or by `Accept`."""


class ApiDocs(SpectacularSwaggerSplitView):
    """`/docs`: Swagger UI from our own server, without inline scripts and styles."""

    template_name = "docs/api.html"


class ErrorCodes(TemplateView):
    """`/docs/errors`: every `code` of the problem documents, where their `type` points."""

    template_name = "docs/errors.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(codes=problems.catalog(), **kwargs)


class Permissions(TemplateView):
    """`/docs/permissions`: what each role and an API key may do."""

    template_name = "docs/permissions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        scopes = [
            {
                "scope": scope,
                "meaning": meaning,
                "roles": [scope in roles.GRANTS[role] for role in roles.Role],
                "key": scope in roles.KEY_SCOPES,
            }
            for scope, meaning in roles.SCOPES.items()
        ]
        return super().get_context_data(scopes=scopes, roles=roles.Role.labels, **kwargs)


class Runbook(TemplateView):
    """`/docs/runbook`: what staff do about each state of a session, where the admin points."""

    template_name = "docs/runbook.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(blocks=runbook.blocks(), **kwargs)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler400`."""
    return _failure(request, 400, "bad_request", "This request cannot be understood.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler403`."""
    return _failure(request, 403, "denied", "You are not allowed to do this.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler404`."""
    return _failure(request, 404, "not_found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: the trace id is all a caller learns."""
    sentence = "Something went wrong on our side. Quote the trace id when you report it."
    return _failure(request, 500, "server_error", sentence)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's `CSRF_FAILURE_VIEW`."""
    sentence = "This page was open for too long. Go back, reload it, and try again."
    return _failure(request, 403, "csrf_failed", sentence)


def _failure(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    body = problems.problem(status_code=status, code=code, detail=detail)
    if _is_api(request) or not _wants_html(request):
        return JsonResponse(body, status=status, content_type=problems.CONTENT_TYPE)
    # Without the request: no context processor may fail while a failure is reported.
    page = get_template("docs/failure.html").render({"problem": body})
    return HttpResponse(page, status=status)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIXES)


def _wants_html(request: HttpRequest) -> bool:
    kinds = ["application/json", "text/html"]
    return request.get_preferred_type(kinds) == "text/html"
