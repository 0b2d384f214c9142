"""The console's pages about sessions."""

from django.urls import path

from sessions_app.views import sessions
from sessions_app.views.cards import STATUSES
from sessions_app.views.chats import Chats
from sessions_app.views.sessions import home

__all__ = ["STATUSES", "home", "urlpatterns"]

_SESSION = "sessions/<str:session_id>"

urlpatterns = [
    path("sessions", sessions.session_list, name="console-sessions"),
    path("sessions/new", sessions.session_new, name="console-session-new"),
    path(_SESSION, sessions.session_detail, name="console-session"),
    path(f"{_SESSION}/settings", sessions.session_settings, name="console-session-settings"),
    path(f"{_SESSION}/chats", Chats.as_view(), name="console-chats"),
]
