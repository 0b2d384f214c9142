"""The app's configuration."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """The WebSocket protocol; it has no rows."""

    name = "sessions_app.realtime"
    label = "realtime"
    verbose_name = "Realtime"
