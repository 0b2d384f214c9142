"""A row of bars that a template draws without a script. Plain: no rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

# Units of the drawing, whatever its size on the screen.
_HEIGHT, _SLOT, _GAP = 100, 12, 3


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart, in its units."""

    day: date
    used: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars per day, the highest as high as the drawing."""

    bars: list[Bar]
    peak: int
    total: int
    width: int
    height: int = _HEIGHT
    bar_width: int = _SLOT - _GAP


def chart_of(days: Sequence[tuple[date, int]]) -> Chart:
    """Return the chart of (day, used), oldest first."""
    peak = max((used for _, used in days), default=0)
    bars = []
    for number, (day, used) in enumerate(days):
        height = round(used / peak * _HEIGHT, 2) if peak else 0.0
        bars.append(Bar(day, used, number * _SLOT, _HEIGHT - height, height))
    total = sum(used for _, used in days)
    return Chart(bars, peak, total, width=len(days) * _SLOT - _GAP)
