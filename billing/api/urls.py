"""Paths below `/billing/`, without trailing slashes."""

from django.urls import path

from billing.api import views

urlpatterns = [
    path("enable-api-key", views.EnableApiKey.as_view()),
    path("disable-api-key", views.DisableApiKey.as_view()),
    path("api-key-status", views.ApiKeyStatusView.as_view()),
    path("summary", views.BillingSummary.as_view()),
]
