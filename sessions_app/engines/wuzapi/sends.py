"""How each kind of message is asked of a gateway."""

from __future__ import annotations

import base64
from typing import Any

from sessions_app.engines.base import EngineError
from sessions_app.engines.capabilities import Capability
from sessions_app.engines.outgoing import (
    Outgoing,
    OutgoingEdit,
    OutgoingMedia,
    OutgoingReaction,
    OutgoingRevoke,
    OutgoingText,
    Quoted,
)

# What the gateway checks of a document's data URL; the true type goes beside it.
_ANY_FILE = "application/octet-stream"
_PATHS = {
    Capability.IMAGE: ("/chat/send/image", "Image"),
    Capability.VIDEO: ("/chat/send/video", "Video"),
    Capability.AUDIO: ("/chat/send/audio", "Audio"),
    Capability.DOCUMENT: ("/chat/send/document", "Document"),
    Capability.STICKER: ("/chat/send/sticker", "Sticker"),
}


def request_for(message: Outgoing) -> tuple[str, dict[str, Any]]:
    """Return path and body that send a message.

    Repeating any of them is safe: texts and files carry our id, and the others only say
    again what holds already.

    :raises EngineError: WhatsApp has no such message.
    """
    match message:
        case OutgoingText():
            body = {"Phone": message.to, "Body": message.text, "Id": message.message_id}
            return "/chat/send/text", body | _reply(message.quoted)
        case OutgoingMedia():
            return _media(message)
        case OutgoingReaction(target=target):
            return "/chat/react", _reaction(message, target)
        case OutgoingEdit(target=target):
            _require_own(target)
            body = {"Phone": message.to, "Id": target.wa_id, "Body": message.text}
            return "/chat/send/edit", body
        case OutgoingRevoke(target=target):
            _require_own(target)
            return "/chat/delete", {"Phone": message.to, "Id": target.wa_id}


def _reply(quoted: Quoted | None) -> dict[str, Any]:
    if quoted is None:
        return {}
    context = {"StanzaID": quoted.wa_id, "Participant": quoted.sender}
    return {"ContextInfo": context, "QuotedText": quoted.text}


def _media(message: OutgoingMedia) -> tuple[str, dict[str, Any]]:
    path, name = _PATHS[message.kind]
    is_document = message.kind is Capability.DOCUMENT
    shown_type = _ANY_FILE if is_document else message.mime_type.partition(";")[0]
    data = base64.b64encode(message.data).decode("ascii")
    body = {
        "Phone": message.to,
        "Id": message.message_id,
        name: f"data:{shown_type};base64,{data}",
        "MimeType": message.mime_type,
        "Caption": message.caption,
    }
    if is_document:
        body["FileName"] = message.file_name or "file"
    return path, body | _reply(message.quoted)


def _reaction(message: OutgoingReaction, target: Quoted) -> dict[str, Any]:
    body = {
        "Phone": message.to,
        "Body": message.emoji or "remove",
        "Id": f"me:{target.wa_id}" if target.from_me else target.wa_id,
    }
    if message.to != target.sender and not target.from_me:
        body["Participant"] = target.sender
    return body


def _require_own(target: Quoted) -> None:
    if not target.from_me:
        raise EngineError("Only messages of the session itself can be changed.")
