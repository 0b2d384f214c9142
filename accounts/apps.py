"""The app's configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, tenants, credentials, audit; its part of archives, purges and metrics."""

    name = "accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from accounts import purging
        from accounts.selectors import trail
        from accounts.services import archive
        from accounts.services.purging import remove_people
        from orsta.core.observability import metrics

        archive.register()
        purging.register(remove_people)
        metrics.register(trail.metrics)
