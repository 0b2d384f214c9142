"""A running fake gateway for tests, also of other packages.

`from sessions_app.engines.tests.fixtures import *` brings the fixtures.
"""

from __future__ import annotations

import pytest

from sessions_app.engines.tests.fake_gateway import GENFITY, FakeGateway
from sessions_app.engines.tests.fake_gateway.server import serve

__all__ = ["gateway_mode", "gateway_server"]


@pytest.fixture
def gateway_mode():
    """Which version the gateway is of; override it to test another."""
    return GENFITY


@pytest.fixture
def gateway_server(gateway_mode):
    """Return a running gateway without sessions."""
    with serve(FakeGateway(gateway_mode)) as gateway:
        yield gateway
