"""Fixtures of the session aggregate's tests."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Tenant
from sessions_app.engines import registry
from sessions_app.tests import fake_gateways
from sessions_app.tests.factories import client_of, make_customer


@pytest.fixture
def tenant() -> Tenant:
    """Alice's tenant: room for three sessions."""
    return make_customer(max_sessions=3)


@pytest.fixture
def alice(tenant: Tenant) -> APIClient:
    """A program of Alice's."""
    return client_of(tenant)


@pytest.fixture
def only_qr(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox as an engine that links by QR code only."""
    engine = registry.engine("sandbox")
    fewer = engine.capabilities - {"pair_code", "passkey", "check_numbers"}
    monkeypatch.setattr(type(engine), "capabilities", fewer)


@pytest.fixture
def gateway_engine(monkeypatch: Any) -> Iterator[fake_gateways.FakeEngine]:
    """Offer the engine of gateways that are only said to be there."""
    yield fake_gateways.offer(monkeypatch)
    monkeypatch.undo()
    fake_gateways.stop_offering()
