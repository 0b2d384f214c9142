"""The app's configuration."""

from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    """The admin's site, navigation and dashboard, and the checks; it has no rows."""

    name = "orsta.backoffice"
    label = "backoffice"
    verbose_name = "Backoffice"

    def ready(self) -> None:
        from orsta import checks

        checks.connect()
