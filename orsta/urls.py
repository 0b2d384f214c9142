"""The URL map of the whole service. No trailing slashes, except in Django's admin."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts.api.urls import auth_urlpatterns, internal_urlpatterns
from orsta import views
from orsta.backoffice.second_factor import set_up as set_up_staff_factor
from orsta.core.observability import views as probes
from sessions_app.ingest.hooks import EngineHook
from sessions_app.urls import internal_urlpatterns as internal_session_urlpatterns
from sessions_app.views import home as console_home

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.ServiceInfo.as_view(), name="home"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("health", probes.alive, name="health"),
    path("readyz", probes.ready, name="readyz"),
    path("metrics", probes.metrics, name="metrics"),
    path("schema", views.Schema.as_view(), name="schema"),
    path("docs", views.ApiDocs.as_view(), name="docs"),
    path("docs/errors", views.ErrorCodes.as_view(), name="error-codes"),
    path("docs/runbook", views.Runbook.as_view(), name="runbook"),
    path("docs/permissions", views.Permissions.as_view(), name="permissions"),
    path("auth/", include(auth_urlpatterns)),
    path("internal/", include(internal_urlpatterns)),
    path("internal/", include("subscriptions.api.internal.urls")),
    path("internal/", include(internal_session_urlpatterns)),
    path("billing/", include("billing.api.urls")),
    path("v1/", include("subscriptions.api.urls")),
    path("v1/", include("sessions_app.urls")),
    path("v1/", include("accounts.api.tenant_urls")),
    path("v1/", include("accounts.api.key_urls")),
    path("hooks/engines/<str:gateway_id>", EngineHook.as_view(), name="engine-hook"),
    path("console", console_home),  # without the slash too: people type it
    path("console/", console_home, name="console-home"),
    path("console/", include("accounts.views")),
    path("console/", include("subscriptions.views")),
    path("console/", include("billing.views")),
    path("console/", include("sessions_app.views")),
    path("admin/second-factor", set_up_staff_factor, name="staff-second-factor"),
    path("admin/", admin.site.urls),
]
handler400 = "orsta.views.bad_request"
handler403 = "orsta.views.forbidden"
handler404 = "orsta.views.not_found"
handler500 = "orsta.views.server_error"
