"""The programs and the file that supervisord reads."""

import configparser
import re
import shlex
from pathlib import Path
from signal import Signals

from orsta.launcher import programs, supervision
from orsta.launcher.folder import DataFolder
from orsta.launcher.processes import ROOT

HOSTILE = Path("/srv/100% ours; really")


def read(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))
    parser.read_string(text)
    return parser


def test_the_procfile_says_the_same() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    defaults = [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", line) for line in lines]
    found = dict(line.split(": ", 1) for line in defaults)

    own = programs.orsta(host="127.0.0.1", port=8000, data=".orsta", python="python")

    assert found == {program.name: shlex.join(program.command) for program in own}


def test_orsta_stops_before_the_servers_and_web_first() -> None:
    own = programs.orsta(host="127.0.0.1", port=8000, data="/data")
    every = [programs.postgres(["postgres"]), programs.valkey(["valkey"]), *own]

    order = sorted(every, key=lambda program: -program.priority)

    assert [program.name for program in order] == [
        "web",
        "runner",
        "worker",
        "beat",
        "relay",
        "valkey",
        "postgres",
    ]


def test_every_program_restarts_and_only_servers_start_by_themselves() -> None:
    own = programs.orsta(host="127.0.0.1", port=8000, data="/data")
    text = supervision.config(DataFolder(Path("/data")), [programs.valkey(["valkey"]), *own])

    file = read(text)

    sections = [name for name in file.sections() if name.startswith("program:")]
    assert len(sections) == 6
    assert all(file.getboolean(name, "autorestart") for name in sections)
    started = [name for name in sections if file.getboolean(name, "autostart")]
    assert started == ["program:valkey"]


def test_postgres_is_told_to_stop_fast() -> None:
    program = programs.postgres(["postgres"])

    text = supervision.config(DataFolder(Path("/data")), [program])

    assert program.stop_signal is Signals.SIGINT
    assert read(text)["program:postgres"]["stopsignal"] == "INT"


def test_percent_signs_and_spaces_survive() -> None:
    command = [f"{HOSTILE}/bin/postgres", "-D", f"{HOSTILE}/data"]
    text = supervision.config(DataFolder(HOSTILE), [programs.postgres(command)])

    # supervisord expands `%` and then splits as a shell would.
    raw = re.search(r"^command = (.*)$", text, re.MULTILINE)

    assert raw is not None
    assert shlex.split(raw[1] % {}) == command
    assert "%" not in read(text)["program:postgres"]["stdout_logfile"]
