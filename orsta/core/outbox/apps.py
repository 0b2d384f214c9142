"""The outbox app; it loads every installed app's `subscribers` module."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OutboxConfig(AppConfig):
    """Registered before the apps that subscribe; their modules load once all are ready."""

    name = "orsta.core.outbox"
    label = "outbox"
    verbose_name = "Outbox"

    def ready(self) -> None:
        autodiscover_modules("subscribers")
