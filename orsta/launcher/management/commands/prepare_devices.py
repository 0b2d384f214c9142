"""`manage.py prepare_devices`: the role and the database of the engine neonize."""

import sys
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from psycopg import sql

from orsta.launcher import devices
from orsta.launcher.devices import Store


class Command(BaseCommand):
    """The name and the password come from ORSTA_NEONIZE_DSN. Safe to repeat."""

    help = "Print the SQL that an administrator of PostgreSQL has to run, or run it."
    requires_system_checks: list[str] = []  # one of them asks for what this makes

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--run",
            action="store_true",
            help="run it, on the address that standard input holds: it has a password",
        )

    def handle(self, *_: Any, run: bool, **__: Any) -> None:
        try:
            store = Store.of(settings.ORSTA_NEONIZE_DSN)
        except ValueError as error:
            raise CommandError(f"ORSTA_NEONIZE_DSN can't be read. {error}") from error
        if run:
            self._run(store, sys.stdin.readline().strip())
        else:
            self._print(store)

    def _run(self, store: Store, admin_url: str) -> None:
        try:
            devices.ensure(store, admin_url=admin_url)
        except psycopg.Error as error:
            # Its text may quote a statement or the address, which hold passwords.
            raise CommandError(f"It failed with {type(error).__name__}.") from None
        self.stdout.write(f"The role {store.role} and the database {store.database} are ready.")

    def _print(self, store: Store) -> None:
        """Print it for a new server, with a place for the password."""
        shown = Store(store.role, store.database, "...")
        for statement in devices.statements(shown, role_exists=False, database_exists=False):
            self.stdout.write(f"{sql.SQL('{};').format(statement).as_string()}")
