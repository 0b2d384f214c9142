"""A gateway of WuzAPI for tests, written from what the real ones do, their traps included."""

from sessions_app.engines.tests.fake_gateway.gateway import (
    GENFITY,
    UPSTREAM_2025,
    FakeGateway,
)

__all__ = ["GENFITY", "UPSTREAM_2025", "FakeGateway"]
