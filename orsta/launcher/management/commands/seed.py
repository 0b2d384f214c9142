"""`manage.py seed`: the first rows, and a file that says how to get in."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from orsta.launcher import seeding
from orsta.launcher.env_files import write_private


class Command(BaseCommand):
    """Passwords come from STAFF_PASSWORD and DEMO_PASSWORD, the file, or are made up."""

    help = "Make the plans, the staff login, a service key and the demo tenant if missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--migrate",
            action="store_true",
            help="bring the database up to date first, in this process to save a second",
        )
        parser.add_argument(
            "--credentials",
            type=Path,
            default=settings.ORSTA_DATA / "credentials.json",
            help="the file to keep them in, readable by its owner only",
        )
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="written there")

    def handle(self, *_: Any, credentials: Path, url: str, migrate: bool, **__: Any) -> None:
        if migrate:
            call_command("migrate", interactive=False)
        known = _known(credentials)
        made = seeding.seed(known=known, url=url, now=timezone.now())
        write_private(credentials, json.dumps(made.as_json(), indent=2) + "\n")
        self.stdout.write(f"The credentials are in {credentials}")


def _known(path: Path) -> seeding.Known:
    """Read the file of an earlier run, if it can be read, and the environment."""
    try:
        kept = json.loads(path.read_text())
        staff, demo = kept.get("staff") or {}, kept.get("demo") or {}
    except (OSError, ValueError, AttributeError):
        kept, staff, demo = {}, {}, {}
    return seeding.Known(
        staff_password=staff.get("password") or os.environ.get("STAFF_PASSWORD", ""),
        demo_password=demo.get("password") or os.environ.get("DEMO_PASSWORD", ""),
        internal_api_key=kept.get("internal_api_key", ""),
        demo_api_key=demo.get("api_key", ""),
    )
