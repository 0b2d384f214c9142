"""Files of `NAME=value` lines: the `.env` of the project and the generated secrets."""

import base64
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from orsta.launcher.errors import CannotStart

LINE = re.compile(r"(?:export )?(?P<name>[A-Za-z_]\w*)=(?P<value>.*)")


def _password() -> str:
    return secrets.token_urlsafe(18)


def _key(key_id: str) -> Callable[[], str]:
    """Return a maker of `id:base64` with 32 random bytes, the format of a key ring."""
    return lambda: f"{key_id}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


GENERATED: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "ORSTA_KEY_PEPPERS": _key("p1"),
    "ORSTA_FIELD_KEYS": _key("k1"),
    "STAFF_PASSWORD": _password,
    "DEMO_PASSWORD": _password,
    "VALKEY_PASSWORD": _password,
    "DEVICES_PASSWORD": _password,
}
# Files of older installations lack these: nothing is lost when they are made later.
ADDED = ("DEVICES_PASSWORD",)
# What Orsta's processes get; the passwords are for the seed and the embedded server.
FOR_PROGRAMS = ("SECRET_KEY", "ORSTA_KEY_PEPPERS", "ORSTA_FIELD_KEYS")
KEY_RINGS = ("ORSTA_KEY_PEPPERS", "ORSTA_FIELD_KEYS")


def parse(text: str, *, name: str) -> dict[str, str]:
    """Read the lines; blank ones, comments and quotes around a value are allowed.

    :raises CannotStart: when a line is something else; the value is not repeated.
    """
    values = {}
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise CannotStart(f"{name}, line {number}, is not NAME=value: correct that line.")
        value = match["value"].strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        values[match["name"]] = value[1:-1] if quoted else value
    return values


def read_dotenv(path: Path) -> dict[str, str]:
    """Return what `.env` says; nothing when there is none.

    :raises CannotStart: when it can't be read.
    """
    try:
        return parse(path.read_text(), name=str(path)) if path.exists() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"{path} can't be read ({error}): correct or remove it.") from error


def _is_key_ring(value: str) -> bool:
    """Return whether every entry is `id:base64` of 32 bytes."""
    try:
        entries = [entry.split(":", 1) for entry in value.split(",")]
        return all(len(base64.b64decode(key, validate=True)) == 32 for _, key in entries)
    except ValueError:
        return False


def _broken(values: dict[str, str]) -> list[str]:
    missing = [name for name in GENERATED if not values.get(name) and name not in ADDED]
    rings = [name for name in KEY_RINGS if name in values and not _is_key_ring(values[name])]
    return missing + rings


def load_secrets(path: Path) -> dict[str, str]:
    """Return the installation's secrets; generate them when the file does not exist.

    A damaged file is never replaced: new keys could not read what the old ones wrote.

    :raises CannotStart: when the file is damaged or can't be read.
    """
    if not path.exists():
        return _generate(path)
    advice = "restore it from a backup, or move the whole folder away to begin anew."
    try:
        values = parse(path.read_text(), name=str(path))
    except (OSError, UnicodeDecodeError, CannotStart) as error:
        raise CannotStart(f"The secrets file {path} can't be read: {advice}") from error
    if broken := ", ".join(_broken(values)):
        raise CannotStart(
            f"The secrets file {path} is damaged ({broken} missing or invalid): {advice}"
        )
    path.chmod(0o600)
    return _complete(path, values)


def _complete(path: Path, values: dict[str, str]) -> dict[str, str]:
    """Add what an older installation has not made."""
    added = {name: GENERATED[name]() for name in ADDED if not values.get(name)}
    if added:
        lines = "".join(f"{name}={value}\n" for name, value in added.items())
        write_private(path, f"{path.read_text().rstrip()}\n{lines}")
    return values | added


def _generate(path: Path) -> dict[str, str]:
    """Write new secrets, whole or not at all, readable by the owner only."""
    values = {name: make() for name, make in GENERATED.items()}
    text = "".join(f"{name}={value}\n" for name, value in values.items())
    write_private(
        path, f"# Made at the first start. Keep a copy: data can't be read without.\n{text}"
    )
    return values


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step with mode 600."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
