"""The app's configuration."""

from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    """Sessions; gives the engines their options, since they know no settings."""

    name = "sessions_app"
    label = "sessions_app"
    verbose_name = "Sessions"

    def ready(self) -> None:
        from sessions_app import wiring

        wiring.connect()
