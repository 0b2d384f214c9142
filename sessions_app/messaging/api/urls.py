"""Paths of messages, relative to `/v1/` and `/internal/`."""

from django.urls import path

from sessions_app.messaging.api import internal, settings, views

urlpatterns = [
    path("sessions/<str:session_id>/messages", views.MessageList.as_view(), name="messages"),
    path(
        "sessions/<str:session_id>/settings",
        settings.SessionSettings.as_view(),
        name="session-settings",
    ),
    path(
        "sessions/<str:session_id>/messages/<str:message_id>",
        views.MessageDetail.as_view(),
        name="message",
    ),
    path(
        "sessions/<str:session_id>/messages/<str:message_id>/resolve",
        views.MessageResolution.as_view(),
        name="message-resolve",
    ),
]
internal_urlpatterns = [
    path(
        "users/<str:user_id>/sessions/<str:session_id>/messages",
        internal.UserMessages.as_view(),
        name="internal-messages",
    ),
]
