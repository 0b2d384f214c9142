"""Engines: which ones this deployment offers, how they are reached, and ways out."""

from typing import Any

from orsta.settings.base import DEPLOYED, ORSTA_DATA, env

ORSTA_NEONIZE_DSN = env.str("ORSTA_NEONIZE_DSN", default="")
# What each engine's constructor takes; see sessions_app/engines/registry.py.
_OPTIONS: dict[str, dict[str, Any]] = {
    "sandbox": {"speed": env.float("ORSTA_SANDBOX_SPEED", default=1.0)},
    "neonize": {
        "dsn": ORSTA_NEONIZE_DSN,
        "spool_dir": env.str("ORSTA_NEONIZE_SPOOL", default=str(ORSTA_DATA / "spool")),
        "memory_limit_mb": env.int("ORSTA_NEONIZE_MEMORY_MB", default=512),
    },
    "wuzapi": {},
}
# The engines that sessions may have. The sandbox talks to nobody: a deployed Orsta has it only
# where this names it.
ORSTA_OFFERED_ENGINES = env.list(
    "ORSTA_OFFERED_ENGINES", default=[] if DEPLOYED else ["sandbox"]
)
# One that we have no options for is told to the operator by a system check.
ORSTA_ENGINES = {kind: _OPTIONS[kind] for kind in ORSTA_OFFERED_ENGINES if kind in _OPTIONS}
ORSTA_KNOWN_ENGINES = tuple(_OPTIONS)
# The engine of new sessions, unless they or their plan say otherwise.
ORSTA_DEFAULT_ENGINE = env.str("ORSTA_DEFAULT_ENGINE", default=next(iter(ORSTA_ENGINES), ""))
# What phones list sessions as, unless a session has a name of its own.
ORSTA_DEVICE_NAME = env.str("ORSTA_DEVICE_NAME", default="Orsta")
# Whether new sessions get a proxy of the pool: "off" (only those that staff assign),
# "available" (while there are any) or "required" (no session without).
ORSTA_PROXY_POLICY = env.str("ORSTA_PROXY_POLICY", default="off")
