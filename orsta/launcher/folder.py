"""The data folder: what is where in `.orsta/`, who may use it, and who does right now."""

import fcntl
import hashlib
import json
import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orsta.launcher.env_files import write_private
from orsta.launcher.errors import CannotStart

# Linux allows 107 bytes in a socket's path, and the longest name here is
# "/supervisor.sock.4194304": supervisord binds with its process id appended.
LONGEST_SOCKET_FOLDER = 107 - 24


@dataclass(frozen=True)
class DataFolder:
    """Where one installation keeps everything that is its own."""

    path: Path

    @property
    def secrets(self) -> Path:
        """The generated secrets, mode 600."""
        return self.path / "secrets.env"

    @property
    def credentials(self) -> Path:
        """What a person or a script needs to use the installation, mode 600."""
        return self.path / "credentials.json"

    @property
    def logs(self) -> Path:
        """One rotated log per program."""
        return self.path / "logs"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data."""
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's data and its configuration."""
        return self.path / "valkey"

    @property
    def supervisor_config(self) -> Path:
        """Written at every start."""
        return self.path / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        """Written by supervisord."""
        return self.path / "supervisord.pid"

    @property
    def supervisor_socket(self) -> Path:
        """Where supervisord takes orders."""
        return self.sockets / "supervisor.sock"

    @property
    def sockets(self) -> Path:
        """Where the Unix sockets are: inside, or in the temporary folder for a long path."""
        inside = self.path / "run"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
            return inside
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"orsta-{os.geteuid()}-{digest}"

    def log(self, program: str) -> Path:
        """Return the log of one program."""
        return self.logs / f"{program}.log"

    def write_stack(self, urls: dict[str, str]) -> None:
        """Record how the embedded servers are reached, for commands in other terminals."""
        write_private(self.path / "stack.json", json.dumps(urls))

    def release(self) -> None:
        """Remove that record, and a socket folder outside, when nothing runs any more."""
        (self.path / "stack.json").unlink(missing_ok=True)
        if not self.sockets.is_relative_to(self.path):
            with suppress(OSError):  # not empty: a socket of something that was killed
                self.sockets.rmdir()

    def read_stack(self) -> dict[str, str] | None:
        """Return that record; nothing while a start has not come so far."""
        try:
            urls: dict[str, str] = json.loads((self.path / "stack.json").read_text())
        except (OSError, ValueError):
            return None
        return urls


def prepare(folder: DataFolder) -> None:
    """Create what is missing, closed to other users.

    :raises CannotStart: when the folder is a file, read-only or another user's.
    """
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(folder.path)
        folder.path.chmod(0o700)
        for part in (folder.logs, folder.valkey, folder.sockets):
            part.mkdir(mode=0o700, exist_ok=True)
        _check_owner(folder.sockets)
        folder.sockets.chmod(0o700)
    except FileExistsError as error:
        raise CannotStart(
            f"The data folder {error.filename} is not a folder: remove that file, "
            "or set ORSTA_DATA to another folder."
        ) from error
    except OSError as error:
        raise CannotStart(
            f"The data folder {folder.path} can't be written ({error.strerror}): make it "
            "writable, or set ORSTA_DATA to a folder that is."
        ) from error


def _check_owner(path: Path) -> None:
    owner = path.lstat().st_uid
    if owner == os.geteuid():
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = str(owner)
    raise CannotStart(
        f"The folder {path} belongs to the user {name}: run this as {name}, "
        "or set ORSTA_DATA to another folder."
    )


@contextmanager
def locked(folder: DataFolder) -> Iterator[None]:
    """Keep every other launcher away from this data; the kernel frees it if we are killed.

    :raises CannotStart: when another launcher is at work on it.
    """
    with (folder.path / "launcher.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise CannotStart(
                f"The data folder {folder.path} is in use by the launcher with process id "
                f"{file.read().strip()}: stop that one with Ctrl-C, or set ORSTA_DATA and PORT "
                "to start a second Orsta."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def in_use(folder: DataFolder) -> bool:
    """Return whether a launcher is at work on this data right now."""
    try:
        with (folder.path / "launcher.lock").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
