"""How fast a runner may be, and how patient it is. Read from the settings once per process."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Tuning:
    """Seconds, unless the name says something else."""

    flap: float = 60.0  # how long a broken stream may take to come back unnoticed
    connects_per_second: float = 5.0
    # Engine: (burst, seconds per further message). Who is missing here sends without limit.
    send_rates: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    silence: float = 120.0  # without a word from the engine, before it is asked
    probe: float = 20.0  # how long the answer may take
    unwell: float = 180.0  # how long a stream may be degraded or down before we open it anew
    restarts_per_hour: int = 3  # of silent or degraded streams
    first_wait: float = 2.0  # between attempts to connect, doubling
    longest_wait: float = 300.0


def from_settings() -> Tuning:
    """Return what this deployment says; the rest is as it is above."""
    return Tuning(
        flap=settings.ORSTA_FLAP_SECONDS,
        connects_per_second=settings.ORSTA_CONNECTS_PER_SECOND,
        send_rates={
            engine: _rate(written) for engine, written in settings.ORSTA_SEND_RATES.items()
        },
    )


def _rate(written: str) -> tuple[int, float]:
    """Read "3/3": three at once, then one every 3 s."""
    burst, _, seconds = written.partition("/")
    return int(burst), float(seconds)
