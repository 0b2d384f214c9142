"""Which engines a process offers, and that there is one of each."""

from __future__ import annotations

import threading

import pytest

from sessions_app.engines import registry
from sessions_app.engines.base import Engine
from sessions_app.engines.registry import UnknownEngine
from sessions_app.engines.sandbox.engine import SandboxEngine

OPTIONS = {"sandbox": {"dsn": "postgresql://nowhere", "speed": 2.0}}


@pytest.fixture(autouse=True)
def as_it_was():
    before = dict(registry._options)
    registry.reset()
    yield
    registry.configure(before)


def test_nothing_is_offered_before_it_is_configured():
    assert registry.kinds() == ()
    with pytest.raises(UnknownEngine, match="offered: none"):
        registry.engine("sandbox")


def test_a_configured_engine_is_made_once():
    registry.configure(OPTIONS)

    made = registry.engine("sandbox")

    assert isinstance(made, SandboxEngine)
    assert registry.engine("sandbox") is made
    assert registry.kinds() == ("sandbox",)


def test_threads_get_the_same_instance():
    registry.configure(OPTIONS)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(registry.engine("sandbox")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_an_engine_that_is_not_offered_is_unknown():
    registry.configure(OPTIONS)

    with pytest.raises(
        UnknownEngine, match="'telepathy' is not offered here; offered: sandbox"
    ):
        registry.engine("telepathy")


def test_an_engine_that_does_not_exist_can_not_be_configured():
    registry.configure(OPTIONS)

    with pytest.raises(UnknownEngine, match="no engine 'pigeon'"):
        registry.configure({"pigeon": {}})

    assert registry.kinds() == ("sandbox",)


def test_wrong_options_are_found_when_the_engine_is_made():
    registry.configure({"sandbox": {"dsn": "postgresql://nowhere", "speed": 0}})

    with pytest.raises(ValueError, match="speed"):
        registry.engine("sandbox")


def test_the_sandbox_is_an_engine_with_a_name():
    assert issubclass(SandboxEngine, Engine)
    assert SandboxEngine.name == "sandbox"
    assert SandboxEngine.name in registry.PATHS
