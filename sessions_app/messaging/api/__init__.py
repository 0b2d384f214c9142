"""Messages over HTTP."""

from sessions_app.messaging.api.urls import urlpatterns

__all__ = ["urlpatterns"]
