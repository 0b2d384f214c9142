"""The URL map of the whole service. No trailing slashes, except in Django's admin."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts.api.urls import auth_urlpatterns, internal_urlpatterns
from orsta import views
from orsta.core.observability import views as probes
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
    path("auth/", include(auth_urlpatterns)),
    path("internal/", include(internal_urlpatterns)),
    path("billing/", include("billing.api.urls")),
    path("v1/", include("sessions_app.urls")),
    path("console", console_home),  # without the slash too: people type it
    path("console/", console_home, name="console-home"),
    path("console/", include("accounts.views")),
    path("console/", include("billing.views")),
    path("console/", include("sessions_app.views")),
    path("admin/", admin.site.urls),
]
handler400 = "orsta.views.bad_request"
handler403 = "orsta.views.forbidden"
handler404 = "orsta.views.not_found"
handler500 = "orsta.views.server_error"
