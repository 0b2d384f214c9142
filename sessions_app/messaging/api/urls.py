"""Paths of messages, relative to `/v1/`."""

from django.urls import path

from sessions_app.messaging.api import views

urlpatterns = [
    path("sessions/<str:session_id>/messages", views.MessageList.as_view(), name="messages"),
    path(
        "sessions/<str:session_id>/messages/<str:message_id>",
        views.MessageDetail.as_view(),
        name="message",
    ),
]
