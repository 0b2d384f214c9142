"""The one place that names the providers."""

from django.conf import settings

from billing.providers.base import PaymentProvider
from billing.providers.sandbox import SandboxProvider

_PROVIDERS: dict[str, type[PaymentProvider]] = {SandboxProvider.name: SandboxProvider}


def names() -> list[str]:
    """Return what `ORSTA_PAYMENT_PROVIDER` may say."""
    return sorted(_PROVIDERS)


def register(provider_class: type[PaymentProvider]) -> None:
    """Make a provider known by its name; the last one of a name wins."""
    _PROVIDERS[provider_class.name] = provider_class


def provider(name: str = "") -> PaymentProvider:
    """Return a provider by name, the configured one by default.

    :raises KeyError: nobody registered the name.
    """
    return _PROVIDERS[name or settings.ORSTA_PAYMENT_PROVIDER]()
