"""What the launcher prints: short lines, at once, and the banner at the end."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from orsta.launcher.options import Options


def say(sentence: str) -> None:
    """Print at once, also into a pipe; a closed terminal must not keep us from stopping."""
    with suppress(OSError):
        sys.stdout.write(f"{sentence}\n")
        sys.stdout.flush()


def complain(sentence: str) -> None:
    """Print on the error channel."""
    with suppress(OSError):
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()


def banner(options: Options) -> str:
    """Return where everything is and how to sign in."""
    credentials = _credentials(options.folder.credentials)
    rows = [
        ("Admin", f"{options.url}/admin/"),
        ("Console", f"{options.url}/console/"),
        ("API docs", f"{options.url}/docs"),
        *(_logins(credentials)),
        (
            "More",
            f"{options.folder.credentials} has the demo tenant's API key and the internal key",
        ),
        ("Mail", f"{options.folder.log('worker')} has the mails, codes and links too"),
        ("Logs", str(options.folder.logs)),
        ("Stop", "Ctrl-C"),
    ]
    lines = [f"  {label:<9} {value}" for label, value in rows]
    return "\n".join(["", f"Orsta runs at {options.url}", "", *lines, ""])


def _logins(credentials: dict[str, Any]) -> list[tuple[str, str]]:
    staff, demo = credentials.get("staff") or {}, credentials.get("demo") or {}
    rows = []
    if staff:
        rows.append(("Staff", f"{staff.get('email')} with password {staff.get('password')}"))
    if demo:
        rows.append(("Demo", f"{demo.get('email')} with password {demo.get('password')}"))
    return rows


def _credentials(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found
