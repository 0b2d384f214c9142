"""The app's configuration."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Payments and the ledger."""

    name = "billing"
    label = "billing"
    verbose_name = "Billing"
