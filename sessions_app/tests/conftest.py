"""Fixtures of the session aggregate's tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from sessions_app.tests import fake_gateways


@pytest.fixture
def gateway_engine(monkeypatch: Any) -> Iterator[fake_gateways.FakeEngine]:
    """Offer the engine of gateways that are only said to be there."""
    yield fake_gateways.offer(monkeypatch)
    monkeypatch.undo()
    fake_gateways.stop_offering()
