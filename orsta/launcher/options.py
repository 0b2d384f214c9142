"""What the environment and `.env` say about a start."""

import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orsta.launcher.env_files import FOR_PROGRAMS, read_dotenv
from orsta.launcher.errors import CannotStart
from orsta.launcher.folder import DataFolder
from orsta.launcher.processes import ROOT

DEFAULT_PORT = 8000
DOTENV = ROOT / ".env"
# Where a server that listens everywhere is reached from here.
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
# In the environment of every supervised process, so that a later start can find them.
MARKER = "ORSTA_STACK"


@dataclass(frozen=True)
class Options:
    """One start. `environment` is the caller's, completed from `.env`."""

    environment: Mapping[str, str]
    folder: DataFolder
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where a person on this machine opens Orsta."""
        return f"http://{_in_url(LOOPBACK.get(self.host, self.host))}:{self.port}"

    @property
    def database_url(self) -> str:
        """The PostgreSQL to use; empty for the embedded one."""
        return self.environment.get("DATABASE_URL", "")

    @property
    def redis_url(self) -> str:
        """The Redis or Valkey to use; empty for the embedded one."""
        return self.environment.get("REDIS_URL", "")

    @property
    def engine(self) -> str:
        """What new sessions run on."""
        return self.environment.get("ENGINE") or "sandbox"

    @property
    def public_url(self) -> str:
        """The same for mails and passkeys: a passkey belongs to a name, not an address."""
        return re.sub(r"//(127\.0\.0\.1|\[::1\]):", "//localhost:", self.url)

    def for_programs(
        self, *, secrets: Mapping[str, str], urls: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the environment of Orsta's processes; what the caller set wins."""
        return {
            "ORSTA_ENVIRONMENT": "development",
            "ALLOWED_HOSTS": ",".join(self._hosts()),
            **{name: secrets[name] for name in FOR_PROGRAMS if name in secrets},
            "ORSTA_PUBLIC_URL": self.public_url,
            **self.environment,
            **urls,
            "ORSTA_DATA": str(self.folder.path),
            "HOST": self.host,
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "orsta.settings",
            "PYTHONUNBUFFERED": "1",
        }

    def _hosts(self) -> Iterable[str]:
        """Return the names that this start can be asked by, as Django compares them."""
        asked = (self.host, LOOPBACK.get(self.host, self.host))
        return dict.fromkeys(["127.0.0.1", "localhost", *map(_in_url, asked)])


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def read(environment: Mapping[str, str] | None = None) -> Options:
    """Read the environment and `.env`, of which the environment wins.

    :raises CannotStart: when `.env` or PORT is not what it should be.
    """
    given = os.environ if environment is None else environment
    merged = {**read_dotenv(DOTENV), **given}
    return Options(
        environment=merged,
        folder=DataFolder((ROOT / (merged.get("ORSTA_DATA") or ".orsta")).resolve()),
        host=merged.get("HOST") or "127.0.0.1",
        port=_port(merged.get("PORT") or str(DEFAULT_PORT)),
    )


def _port(value: str) -> int:
    if value.isdecimal() and 0 < int(value) < 65536:
        return int(value)
    raise CannotStart(f"PORT is {value}: set it to a number from 1 to 65535.")


def check_address(options: Options) -> None:
    """Make sure that the web server will be able to listen.

    :raises CannotStart: when the port is taken or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
            probe.listen()
        except OSError as error:
            raise CannotStart(
                f"Port {options.port} on {options.host} can't be used ({error.strerror}): stop "
                f"what uses it, or choose another with `PORT={options.port + 1} make run`."
            ) from error
