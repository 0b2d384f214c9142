"""The table, on the screen and in the documentation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from orsta.bench.measures import Figure

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


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


def write(path: Path, text: str) -> None:
    """Put the table between the markers of a document.

    :raises ValueError: it has no markers.
    """
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} lacks the markers {BEGIN} and {END}.")
    path.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
