"""The app's configuration."""

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Plans, subscriptions, quotas."""

    name = "subscriptions"
    label = "subscriptions"
    verbose_name = "Subscriptions"
