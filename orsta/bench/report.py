"""The table, on the screen and in the documentation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from orsta.bench.measures import Figure


@dataclass(frozen=True)
class Line:
    """A measure and its runs."""

    name: str
    unit: str
    figures: list[Figure]

    def render(self) -> str:
        """Return the line as Markdown."""
        values = [figure.value for figure in self.figures]
        notes = ", ".join(
            f"{label} {median(figure.note[label] for figure in self.figures):.1f} ms"
            for label in self.figures[0].note
        )
        runs = ", ".join(map(_number, values))
        return f"| {self.name} | **{_number(median(values))}** {self.unit} | {notes} | {runs} |"


def table(lines: Sequence[Line], machine: Sequence[str]) -> str:
    """Return the table with the machine below it, as Markdown."""
    head = ["| What | Median | Waiting | Runs |", "|---|---|---|---|"]
    below = ["", *(f"{line}  " for line in machine)]
    return "\n".join([*head, *(line.render() for line in lines), *below]) + "\n"


def write(path: Path, name: str, text: str) -> None:
    """Put a text between the markers of this name in a document.

    :raises ValueError: it has no markers.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, begun, rest = path.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"{path} lacks the markers {begin} and {end}.")
    path.write_text(f"{before}{begin}\n{text}{end}{after}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
