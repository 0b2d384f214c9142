"""The engine that runs real hosts, and runners to kill."""

import json
import os

import pytest

from sessions_app.engines import registry
from sessions_app.engines.tests import neonize_lane
from sessions_app.engines.tests.neonize_lane import HASTY, HOST
from sessions_app.runner.tests.neonize.rig import ANN, BEN, RunnerProcess, Shop


@pytest.fixture(autouse=True)
def engine(whatsapp, transactional_db, tmp_path):
    """Offer neonize on the mock server; return the engine's options.

    The device store forgets everything, as the mock WhatsApp does between tests.
    """
    neonize_lane.forget_devices()
    options = {
        "dsn": neonize_lane.devices_dsn(),
        "spool_dir": str(tmp_path),
        "host_command": HOST,
        "extra_env": whatsapp.environment(),
    }
    before = dict(registry._options)
    registry.configure({"neonize": options | {"patience": HASTY}})
    yield options
    registry.configure(before)


@pytest.fixture
def make_shop(whatsapp):
    def make(number=ANN, **options):
        return Shop(whatsapp.phone(number), **options)

    return make


@pytest.fixture
def ann(make_shop):
    """The session of one tenant."""
    return make_shop(ANN)


@pytest.fixture
def ben(make_shop):
    """The session of another tenant."""
    return make_shop(BEN)


@pytest.fixture
def start_process(engine, other_process):
    """Start runners as processes; what is left of them ends with the test."""
    started = []

    def start():
        own = {
            "ORSTA_LANE": json.dumps(engine),
            "ORSTA_SEND_RATES": "sandbox=1/1",  # neonize sends without a limit
            "DJANGO_SETTINGS_MODULE": os.environ.get(
                "DJANGO_SETTINGS_MODULE", "orsta.settings.test"
            ),
        }
        started.append(RunnerProcess(other_process | own))
        return started[-1]

    yield start
    for one in started:
        one.kill()
