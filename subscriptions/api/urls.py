"""Paths below `/v1/` about the workspace's plan, without trailing slashes."""

from django.urls import path

from subscriptions.api import views

urlpatterns = [
    path("me", views.Me.as_view(), name="workspace-me"),
    path("usage", views.Usage.as_view(), name="workspace-usage"),
    path("plans", views.Plans.as_view(), name="plans"),
]
