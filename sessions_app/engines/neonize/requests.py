"""Messages to send, as JSON for the wire to a host; `neonize.outgoing` reads them there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, assert_never

from sessions_app.engines.outgoing import (
    Outgoing,
    OutgoingEdit,
    OutgoingMedia,
    OutgoingReaction,
    OutgoingRevoke,
    OutgoingText,
    Quoted,
)


def of(message: Outgoing) -> dict[str, Any]:
    """Return the message without its file, which is uploaded first."""
    match message:
        case OutgoingText(to=to, text=text, quoted=quoted):
            return {"kind": "text", "to": to, "text": text, "quoted": _quoted(quoted)}
        case OutgoingReaction(to=to, target=target, emoji=emoji):
            return {"kind": "reaction", "to": to, "target": asdict(target), "emoji": emoji}
        case OutgoingEdit(to=to, target=target, text=text):
            return {"kind": "edit", "to": to, "target": asdict(target), "text": text}
        case OutgoingRevoke(to=to, target=target):
            return {"kind": "revoke", "to": to, "target": asdict(target)}
        case OutgoingMedia():
            return _media(message)
        case _:
            assert_never(message)


def _media(message: OutgoingMedia) -> dict[str, Any]:
    return {
        "kind": "media",
        "to": message.to,
        "media": str(message.kind),
        "mime_type": message.mime_type,
        "file_name": message.file_name,
        "caption": message.caption,
        "quoted": _quoted(message.quoted),
    }


def _quoted(quoted: Quoted | None) -> dict[str, Any] | None:
    return None if quoted is None else asdict(quoted)
