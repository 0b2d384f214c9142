"""The sandbox as the engine under test, and a session in it."""

from __future__ import annotations

import os
from uuid import uuid4

import pytest

from sessions_app.engines.base import SessionRef
from sessions_app.engines.sandbox.engine import SandboxEngine
from sessions_app.engines.tests import neonize_lane


@pytest.fixture
def make_engine():
    """Make a sandbox as another process would: only the database is shared."""

    def make(speed=50):
        return SandboxEngine(os.environ["DATABASE_URL"], speed=speed)

    return make


@pytest.fixture
def engine(make_engine):
    return make_engine()


@pytest.fixture
def make_ref(engine):
    """Provision a session; it is purged after the test."""
    made = []

    def make(epoch=1):
        ref = SessionRef(f"ses_{uuid4().hex}", epoch=epoch)
        engine.provision(ref)
        made.append(ref)
        return ref

    yield make
    for ref in made:
        engine.purge(ref)


@pytest.fixture
def ref(make_ref):
    return make_ref()


@pytest.fixture
def neonize_engine(whatsapp, tmp_path):
    """The embedded engine on the mock WhatsApp. Its store forgets devices as the mock does."""
    neonize_lane.forget_devices()
    return neonize_lane.make_engine(whatsapp, tmp_path)
