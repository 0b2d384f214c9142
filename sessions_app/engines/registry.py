"""Which engines there are, and the one instance of each in this process.

`configure` says which engines this deployment offers and what their constructors take. An
engine's module is imported when the engine is first asked for, so that a deployment pays only
for what it uses.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sessions_app.engines.base import Engine

PATHS: Mapping[str, str] = {
    "sandbox": "sessions_app.engines.sandbox.engine.SandboxEngine",
    "neonize": "sessions_app.engines.neonize.engine.NeonizeEngine",
    "wuzapi": "sessions_app.engines.wuzapi.engine.WuzapiEngine",
}

_lock = threading.Lock()
_options: dict[str, dict[str, Any]] = {}
_instances: dict[str, Engine] = {}


class UnknownEngine(LookupError):
    """No such engine, or this deployment does not offer it."""


def configure(options: Mapping[str, Mapping[str, Any]]) -> None:
    """Offer these engines, made with these constructor options. Replaces what was offered.

    :raises UnknownEngine: there is no engine of that kind.
    """
    for kind in options:
        if kind not in PATHS:
            raise UnknownEngine(f"There is no engine {kind!r}; use one of {', '.join(PATHS)}.")
    with _lock:
        _instances.clear()
        _options.clear()
        _options.update({kind: dict(values) for kind, values in options.items()})


def kinds() -> tuple[str, ...]:
    """The engines that this deployment offers, in a fixed order."""
    return tuple(kind for kind in PATHS if kind in _options)


def engine(kind: str) -> Engine:
    """This process's engine of that kind.

    :raises UnknownEngine: this deployment does not offer it.
    """
    with _lock:
        if kind not in _options:
            offered = ", ".join(kinds()) or "none"
            raise UnknownEngine(f"The engine {kind!r} is not offered here; offered: {offered}.")
        if kind not in _instances:
            _instances[kind] = _make(kind)
        return _instances[kind]


def reset() -> None:
    """Forget every option and instance. For tests."""
    configure({})


def _make(kind: str) -> Engine:
    module, _, name = PATHS[kind].rpartition(".")
    made: Engine = getattr(import_module(module), name)(**_options[kind])
    return made
