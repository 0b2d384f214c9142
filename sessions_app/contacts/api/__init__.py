"""Contacts over HTTP."""

from sessions_app.contacts.api.urls import urlpatterns

__all__ = ["urlpatterns"]
