"""The command line: `python -m orsta.launcher run | test | program | exec | seed`."""

import argparse
import signal
import sys
from collections.abc import Callable

from orsta.launcher import commands, processes, run, testing
from orsta.launcher.console import complain
from orsta.launcher.errors import CannotStart

COMMANDS: dict[str, tuple[str, Callable[[list[str]], int]]] = {
    "run": ("start everything and keep it running until Ctrl-C", lambda _: run.main()),
    "test": ("run pytest with its own servers; arguments go to pytest", testing.main),
    "program": ("run one program alone: web, worker, beat, relay or runner", commands.program),
    "exec": ("run any command with the environment of the data folder", commands.execute),
    "seed": ("make the plans, the staff login and the demo tenant", lambda _: commands.seed()),
}


def main(arguments: list[str]) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m orsta.launcher", allow_abbrev=False)
    listing = ", ".join(f"{name}: {help_text}" for name, (help_text, _) in COMMANDS.items())
    parser.add_argument("command", choices=COMMANDS, help=listing)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(arguments)
    processes.on_ending(signal.default_int_handler)  # by default SIGTERM would leave servers
    try:
        return COMMANDS[chosen.command][1](chosen.arguments)
    except CannotStart as problem:
        complain(str(problem))
    except KeyboardInterrupt:
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
