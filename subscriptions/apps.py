"""The app's configuration."""

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Plans, subscriptions, quotas; says how wide the requests of a tenant may go."""

    name = "subscriptions"
    label = "subscriptions"
    verbose_name = "Subscriptions"

    def ready(self) -> None:
        from accounts import exports, purging
        from accounts.api import throttling
        from subscriptions import selectors
        from subscriptions.services import leaving

        throttling.register(selectors.rate_class_of)
        purging.register(leaving.purge)
        exports.register("subscription_steps", leaving.subscription_steps)
        exports.register("usage_days", leaving.usage_days)
