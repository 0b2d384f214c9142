"""The API foundation as an app: it owns the idempotency records."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """No models of any business; only what every endpoint shares."""

    name = "orsta.core.api"
    label = "api"
    verbose_name = "API"
