"""Text and entries from engines in the form that PostgreSQL takes."""

import json
from collections.abc import Iterable
from typing import Any

from sessions_app import jids
from sessions_app.contacts.models import Contact
from sessions_app.engines.events import ContactEntry

_JID_LENGTH = 80
_NAME_LENGTH = 200
_PHONE_LENGTH = 20
_PUBLIC_ID = Contact._meta.get_field("public_id")


def text(written: str, *, limit: int | None = None) -> str:
    """Return the text without what PostgreSQL refuses: null characters and lone surrogates."""
    return written.replace("\x00", "").encode("utf-8", "ignore").decode()[:limit]


def entry_row(entry: ContactEntry) -> dict[str, Any] | None:
    """Return the entry as a JSON row for `addressbook.merge`; None without a usable JID.

    The phone number comes from the entry or from a phone number's JID, never from a LID.
    """
    user, _, server = entry.jid.rpartition("@")
    if not user or not server or len(entry.jid) > _JID_LENGTH or text(entry.jid) != entry.jid:
        return None
    phone = text(entry.phone) or jids.phone_of(entry.jid)
    return {
        "public_id": _PUBLIC_ID.get_default(),
        "jid": entry.jid,
        "phone": phone[:_PHONE_LENGTH],
        "name": text(entry.name, limit=_NAME_LENGTH),
        "push_name": text(entry.push_name, limit=_NAME_LENGTH),
        "raw": {text(key): text(str(value)) for key, value in entry.raw.items()},
    }


def entry_rows(entries: Iterable[ContactEntry]) -> list[dict[str, Any]]:
    """Return rows for `addressbook.merge`; of two entries with one JID the later counts."""
    rows = (entry_row(entry) for entry in entries)
    return list({row["jid"]: row for row in rows if row is not None}.values())


def dump(rows: list[dict[str, Any]]) -> str:
    """Return the rows as JSON text."""
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
