"""What the figures were measured on."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import redis


def describe(servers: Mapping[str, str]) -> list[str]:
    """Return one line per part: processor, memory, versions, load before the run, date.

    :param servers: DATABASE_URL and REDIS_URL, as far as they are known.
    """
    one, five, _ = os.getloadavg()
    return [
        f"{_processor()}, {os.cpu_count()} cores, {_gigabytes():.0f} GB, {platform.system()}",
        ", ".join(_versions(servers)),
        f"load average before the run {one:.2f}, {five:.2f}; "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    ]


def _versions(servers: Mapping[str, str]) -> list[str]:
    """Name what is part of the run; a database alone is one without Valkey."""
    found = [f"Python {platform.python_version()}", f"PostgreSQL {_postgres(servers)}"]
    if "REDIS_URL" in servers or not servers:
        found.append(f"Valkey {_valkey(servers)}")
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _gigabytes() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _postgres(servers: Mapping[str, str]) -> str:
    if not (url := servers.get("DATABASE_URL")):
        return "of the target"
    with psycopg.connect(url) as connection:
        found = connection.execute("SHOW server_version").fetchone()
    return str(found[0]) if found else ""


def _valkey(servers: Mapping[str, str]) -> str:
    if not (url := servers.get("REDIS_URL")):
        return "of the target"
    with redis.Redis.from_url(url) as client:
        info = client.info("server")
    return str(info.get("valkey_version") or info["redis_version"])
