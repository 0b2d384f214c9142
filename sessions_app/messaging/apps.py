"""The app's configuration."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Messages of sessions."""

    name = "sessions_app.messaging"
    label = "messaging"
    verbose_name = "Messages"

    def ready(self) -> None:
        from accounts import exports
        from orsta.core.observability import metrics
        from sessions_app.messaging import selectors

        metrics.register(selectors.metrics)
        exports.register("messages", selectors.archive)
