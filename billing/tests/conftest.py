"""Providers under observation, and who looks at the admin."""

import pytest

from accounts.tests.conftest import admin, staff
from billing.providers import registry
from billing.tests.factories import CrashingProvider, OutsideTransactions, WatchedProvider

__all__ = ["admin", "staff"]


@pytest.fixture(autouse=True)
def _known_providers(monkeypatch) -> None:
    monkeypatch.setattr(registry, "_PROVIDERS", dict(registry._PROVIDERS))
    for provider in (WatchedProvider, OutsideTransactions, CrashingProvider):
        registry.register(provider)
    WatchedProvider.charges.clear()
    WatchedProvider.lookups.clear()


@pytest.fixture
def watched(settings) -> type[WatchedProvider]:
    """Charge through the sandbox, and see what it was asked."""
    settings.ORSTA_PAYMENT_PROVIDER = WatchedProvider.name
    return WatchedProvider
