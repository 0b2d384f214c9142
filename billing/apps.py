"""The app's configuration."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Payments and the ledger; both are in a tenant's archive."""

    name = "billing"
    label = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        from accounts import exports, purging
        from billing import selectors
        from billing.services import leaving

        exports.register("payments", selectors.payments_archive)
        exports.register("ledger", selectors.ledger_archive)
        purging.register(leaving.purge)
