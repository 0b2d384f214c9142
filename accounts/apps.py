"""The app's configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, tenants, credentials, audit."""

    name = "accounts"
    label = "accounts"
    verbose_name = "Accounts"
