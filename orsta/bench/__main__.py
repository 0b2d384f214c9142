"""`python -m orsta.bench`: measure, print the table, and keep it if asked."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orsta.bench import machine, report, target
from orsta.bench.measures import Measure, Scene
from orsta.bench.target import Target


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m orsta.bench", description=__doc__)
    parser.add_argument("--url", help="measure an Orsta that runs, instead of one of its own")
    parser.add_argument(
        "--credentials", type=Path, help="the same, by the credentials.json of its data folder"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load per run")
    parser.add_argument("--customers", type=int, default=4, help="with three sessions each")
    parser.add_argument("--only", default="", help="measures whose name contains this")
    parser.add_argument("--write", type=Path, help="put the table into this document")
    return parser.parse_args(arguments)


@contextmanager
def chosen(options: argparse.Namespace) -> Iterator[Target]:
    """Yield what to measure."""
    if options.credentials:
        url = json.loads(options.credentials.read_text())["url"]
        servers = options.credentials.with_name("stack.json")
        known = json.loads(servers.read_text()) if servers.exists() else {}
        yield Target(url, known)
    elif options.url:
        yield Target(options.url, {})
    else:
        with target.own() as started:
            yield started


def repeat(measure: Measure, runs: int) -> report.Line:
    """Run a measure several times, telling how it goes."""
    line = report.Line(measure.name, measure.unit, [])
    for number in range(1, runs + 1):
        line.figures.append(measure.run())
        sys.stderr.write(f"{number}/{runs} {line.render()}\n")
    return line


def main(arguments: list[str]) -> int:
    """Measure everything; return the exit code."""
    options = parse(arguments)
    with chosen(options) as measured:
        conditions = machine.describe(measured.servers)
        scene = Scene.set_up(measured.url, customers=options.customers, seconds=options.seconds)
        lines = [
            repeat(measure, options.runs)
            for measure in scene.measures()
            if options.only in measure.name
        ]
    text = report.table(lines, conditions)
    sys.stdout.write(text)
    if options.write:
        report.write(options.write, "bench", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
