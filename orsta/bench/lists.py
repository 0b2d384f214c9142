"""`python -m orsta.bench.lists`: long lists among a crowd, with their queries and plans.

It fills the empty database of DATABASE_URL (see `orsta.bench.crowd`), asks through the whole
of Django in this process, and tells per request the queries, the time and the slowest plan.
"""

import argparse
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 (from here on they are needed)
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext, override_settings  # noqa: E402
from django.utils import timezone  # noqa: E402
from psycopg.conninfo import make_conninfo  # noqa: E402

from accounts.models import Tenant  # noqa: E402
from accounts.services import keys, service_keys  # noqa: E402
from orsta.bench import machine, report  # noqa: E402
from orsta.bench.crowd import GIANT, SOURCES, Crowd  # noqa: E402
from orsta.bench.newcomers import Bulk, Newcomers  # noqa: E402
from orsta.core.api import pagination  # noqa: E402
from sessions_app.models import Session  # noqa: E402

_ROUNDS = 15
_LONG_LIST = re.compile(r"('\{\d+,\d+)[\d,]+")
_NO_LIMIT = "1000000/60"


@dataclass(frozen=True)
class Caller:
    """Somebody with a credential."""

    headers: dict[str, str] = field(repr=False)

    def get(self, path: str) -> Any:
        """GET and return the JSON answer.

        :raises RuntimeError: it is not 200.
        """
        answer = Client(headers=self.headers).get(path, HTTP_HOST="localhost")
        if answer.status_code != 200:
            raise RuntimeError(f"{path} gave {answer.status_code}: {answer.content[:200]!r}")
        return answer.json()


@dataclass(frozen=True)
class Line:
    """One request: how many queries it made, how long it took, and those of the list itself."""

    name: str
    queries: int
    database_ms: float
    whole_ms: float
    about: list[str]

    def render(self) -> str:
        """Return the row of the table."""
        times = f"{self.database_ms:.0f} ms | {self.whole_ms:.0f} ms"
        return f"| {self.name} | {self.queries} | {times} |"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m orsta.bench.lists", description=__doc__)
    parser.add_argument("--tenants", type=int, default=200_000)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--newcomers", type=int, default=10_000, help="users of one bulk")
    parser.add_argument("--filled", action="store_true", help="the crowd is there already")
    parser.add_argument("--write", type=Path, help="put the result into this document")
    return parser.parse_args(arguments)


def measure(name: str, caller: Caller, path: str, table: str) -> Line:
    """Ask several times; what the queries are and take is looked at every time.

    :param table: whose queries are explained.
    """
    caller.get(path)  # the first use of a key writes when it was
    waits, in_database, queries = [], [], []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        with CaptureQueriesContext(connection) as captured:
            caller.get(path)
        waits.append((time.perf_counter() - begin) * 1000)
        queries = list(captured.captured_queries)  # the next request empties the log
        in_database.append(sum(float(query["time"]) for query in queries) * 1000)
    about = [query["sql"] for query in queries if f'FROM "{table}"' in query["sql"]]
    line = Line(name, len(queries), median(in_database), median(waits), about)
    sys.stderr.write(line.render() + "\n")
    return line


def lines(crowd: Crowd) -> Iterator[Line]:
    """Measure every list."""
    yield from _users(crowd)
    yield from _sessions(crowd, tenant=GIANT)
    yield from _sessions(crowd, tenant=crowd.tenants // 2)


def _users(crowd: Crowd) -> Iterator[Line]:
    bound, everybody = _service(SOURCES[0]), _service("")
    users, table = "/internal/users?limit=100", Tenant._meta.db_table
    last = crowd.tenants // 100
    yield measure("users of one service", bound, users, table)
    late = f"{users}&page={last // len(SOURCES)}"
    yield measure("users of one service, the last page", bound, late, table)
    yield measure("users of every service", everybody, users, table)
    yield measure(
        "users of every service, the last page", everybody, f"{users}&page={last}", table
    )
    one = f"/internal/users/usr_{crowd.tenants // 2}"
    yield measure("one user, by its id alone", everybody, one, table)


def _sessions(crowd: Crowd, *, tenant: int) -> Iterator[Line]:
    owner = Tenant.objects.get(pk=tenant)
    issued = keys.issue(tenant=owner, user=None, now=timezone.now())
    caller, table = Caller({"x-api-key": issued.text}), Session._meta.db_table
    path, name = "/v1/sessions?limit=100", f"sessions of a tenant with {_of(owner):,}"
    yield measure(name, caller, path, table)
    deep = pagination.encode(crowd.sessions // 10)
    yield measure(f"{name}, far down", caller, f"{path}&cursor={deep}", table)
    yield measure(f"{name}, connected ones", caller, f"{path}&status=CONNECTED", table)


def document(crowd: Crowd, results: list[Line], bulk: list[Bulk]) -> str:
    """Return the section as Markdown."""
    servers = {"DATABASE_URL": _address(), "REDIS_URL": settings.REDIS_URL}
    head = [
        f"{crowd.tenants:,} tenants of {len(SOURCES)} services, {crowd.sessions:,} sessions; "
        "100 rows a page.",
        "",
        f"| Request | Queries | In the database, median of {_ROUNDS} | Whole |",
        "|---|---|---|---|",
        *(result.render() for result in results),
        "",
        "| `POST /internal/users/bulk`, one request | Rows | Took | |",
        "|---|---|---|---|",
        *(result.render() for result in bulk),
        "",
        *(f"{part}  " for part in machine.describe(servers)),
    ]
    plans = (
        f"\n{result.name}:\n\n```\n{_plan(sql)}\n```"
        for result in results
        for sql in result.about
    )
    return "\n".join([*head, "\nThe plans of the lists and their totals:", *plans]) + "\n"


def _address() -> str:
    known = connection.get_connection_params()
    parts = {"host": known.get("host"), "port": known.get("port"), "user": known.get("user")}
    parts |= {"password": known.get("password"), "dbname": known["dbname"]}
    return make_conninfo(**{name: value for name, value in parts.items() if value})


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, SUMMARY OFF) {sql}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    return _LONG_LIST.sub(r"\1,…", plan)


def _of(tenant: Tenant) -> int:
    return Session.objects.filter(tenant=tenant).count()


def _service(source: str) -> Caller:
    key = service_keys.issue(source=source, now=timezone.now())
    return Caller({"x-internal-api-key": key.text})


def main(arguments: list[str]) -> int:
    """Fill, measure, tell; return the exit code."""
    options = parse(arguments)
    crowd = Crowd(options.tenants, options.sessions)
    if not options.filled:
        call_command("migrate", verbosity=0)
        crowd.fill()
        crowd.settle()
    unlimited = dict.fromkeys(settings.ORSTA_LIMITS, _NO_LIMIT)
    with override_settings(ORSTA_LIMITS=unlimited):
        results = list(lines(crowd))
        bulk = list(Newcomers(_service(SOURCES[0]).headers, options.newcomers).measure())
    text = document(crowd, results, bulk)
    sys.stdout.write(text)
    if options.write:
        report.write(options.write, "lists", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
