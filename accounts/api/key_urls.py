"""Paths of API keys, below `/v1`."""

from django.urls import path

from accounts.api import keys

urlpatterns = [
    path("api-keys", keys.KeyList.as_view(), name="api-keys"),
    path("api-keys/<str:key_id>", keys.KeyDetail.as_view(), name="api-key"),
    path("api-keys/<str:key_id>/rotate", keys.KeyRotation.as_view(), name="api-key-rotate"),
]
