"""The Django app, which brings the `seed` command."""

from django.apps import AppConfig


class LauncherConfig(AppConfig):
    """Holds management commands and no models."""

    name = "orsta.launcher"
    label = "launcher"
