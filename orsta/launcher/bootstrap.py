"""Make the virtual environment and install the pins, only when they changed.

Runs before anything is installed, as `python3 -I orsta/launcher/bootstrap.py VENV PINS`.
So it imports the standard library only, and nothing from Orsta.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

MINIMUM = (3, 11)


class CannotInstall(Exception):
    """One sentence that says what is wrong and what to do."""


def say(sentence: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def fingerprint(venv: Path, pins: Path) -> str:
    """What the installed state depends on: the pins, the Python and where it all is."""
    parts = [pins.read_bytes(), sys.version.encode(), str(venv.resolve()).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def run(*command: str | Path) -> bool:
    """Run with its output shown; return whether it succeeded."""
    done = subprocess.run([str(part) for part in command], check=False)  # noqa: S603
    return done.returncode == 0


def has_module(name: str) -> bool:
    """Return whether this Python has the module, without importing it."""
    return importlib.util.find_spec(name) is not None


def make_environment(venv: Path) -> None:
    """Create the virtual environment, again if its Python is gone or another one."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    how = ["--without-pip"] if not has_module("ensurepip") else []
    if not has_module("venv") or (how and not has_module("pip")):
        raise CannotInstall(
            "This Python can't make virtual environments: install the missing part with "
            f"`apt install python{version}-venv` and run the same command again."
        )
    if (venv / "pyvenv.cfg").exists():
        how.append("--clear")
    say(f"Creating the virtual environment {venv} with Python {version}")
    if not run(sys.executable, "-m", "venv", *how, venv):
        raise CannotInstall(
            f"The virtual environment {venv} could not be made (the lines above say why): "
            "check that the project folder can be written to and has space."
        )
    (venv / ".gitignore").write_text("*\n")


def works(venv: Path) -> bool:
    """Return whether the environment is there and of this Python's version."""
    marker = venv / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return marker.is_dir() and (venv / "bin" / "python").exists()


def pip(venv: Path) -> list[str]:
    """Return the environment's pip, or the system's told to install into it."""
    python = venv / "bin" / "python"
    if any(venv.glob("lib/python3*/site-packages/pip")):
        return [str(python), "-m", "pip"]
    return [sys.executable, "-m", "pip", "--python", str(python)]


def install(venv: Path, pins: Path) -> None:
    """Install exactly the pins, with pip's own progress."""
    count = sum(1 for line in pins.read_text().splitlines() if "==" in line)
    say(f"Installing the {count} packages of {pins.name}; the first time takes a minute or two")
    quiet = ["--disable-pip-version-check", "--no-input", "--root-user-action=ignore"]
    if not run(*pip(venv), "install", *quiet, "-r", pins):
        raise CannotInstall(
            f"pip could not install the packages of {pins.name} (the lines above say why): "
            "check the network and the free space, and run the same command again."
        )


def ensure(venv: Path, pins: Path) -> None:
    """Bring the environment to the pins; do nothing when a stamp says that it is there."""
    if sys.version_info[:2] < MINIMUM:
        raise CannotInstall(
            f"Orsta needs Python 3.11 or newer and this is {sys.version.split()[0]}: "
            "name another one, such as `make PYTHON=python3.11 run`."
        )
    stamp = venv / f".orsta-{pins.stem}.sha256"
    wanted = fingerprint(venv, pins)
    if works(venv) and stamp.exists() and stamp.read_text() == wanted:
        return
    if not works(venv):
        make_environment(venv)
    install(venv, pins)
    stamp.write_text(wanted)


def main(arguments: list[str]) -> int:
    """Entry point: `bootstrap.py VENV PINS`."""
    venv, pins = (Path(argument) for argument in arguments)
    try:
        ensure(venv, pins)
    except CannotInstall as problem:
        sys.stderr.write(f"{problem}\n")
    except OSError as error:
        sys.stderr.write(
            f"{error.filename} can't be written ({error.strerror}): run this as the user "
            "who owns the project folder, on a disk with space.\n"
        )
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; the same command goes on from here.\n")
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
