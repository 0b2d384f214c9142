"""What a message is made of, in whatsmeow's JSON (`waE2E.Message`)."""

from __future__ import annotations

from typing import Any

from sessions_app.engines.content import (
    ENVELOPES,
    HOUSEKEEPING,
    MAX_ENVELOPES,
    Content,
    Media,
    MessageKind,
)
from sessions_app.engines.wuzapi import json as read

_FILES = {
    "imageMessage": (MessageKind.IMAGE, "image"),
    "videoMessage": (MessageKind.VIDEO, "video"),
    "ptvMessage": (MessageKind.VIDEO, "video"),
    "audioMessage": (MessageKind.AUDIO, "audio"),
    "documentMessage": (MessageKind.DOCUMENT, "document"),
    "stickerMessage": (MessageKind.STICKER, "sticker"),
}
# The key, the kind, and where the text is that stands for it.
_OTHERS = (
    ("extendedTextMessage", MessageKind.TEXT, ("text",)),
    ("locationMessage", MessageKind.LOCATION, ("name", "address")),
    ("liveLocationMessage", MessageKind.LOCATION, ("caption",)),
    ("contactMessage", MessageKind.CONTACT, ("displayName",)),
    ("contactsArrayMessage", MessageKind.CONTACT, ("displayName",)),
    ("pollCreationMessage", MessageKind.POLL, ("name",)),
    ("pollCreationMessageV2", MessageKind.POLL, ("name",)),
    ("pollCreationMessageV3", MessageKind.POLL, ("name",)),
    ("buttonsResponseMessage", MessageKind.TEXT, ("selectedDisplayText", "selectedButtonID")),
    ("listResponseMessage", MessageKind.TEXT, ("title",)),
    ("templateButtonReplyMessage", MessageKind.TEXT, ("selectedDisplayText",)),
)
_HOUSEKEEPING = frozenset(map(str.lower, HOUSEKEEPING))


def unwrapped(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message proper."""
    for _ in range(MAX_ENVELOPES):
        inside = (read.mapping(read.mapping(message, name), "message") for name in ENVELOPES)
        proper = next(filter(None, inside), None)
        if proper is None:
            return message
        message = proper
    return message


def content(message: dict[str, Any]) -> Content | None:
    """Return what a person wrote; None when WhatsApp only keeps house."""
    if written := read.text(message, "conversation"):
        return Content(MessageKind.TEXT, written)
    for name, (kind, download) in _FILES.items():
        if file := read.mapping(message, name):
            return Content(kind, _caption(file), _media(file, download), _quoted(file))
    for name, kind, texts in _OTHERS:
        if part := read.mapping(message, name):
            return Content(kind, read.text(part, *texts), None, _quoted(part))
    left = {key.lower() for key, value in message.items() if value} - _HOUSEKEEPING
    return Content(MessageKind.OTHER) if left else None


def _caption(file: dict[str, Any]) -> str:
    return read.text(file, "caption")


def _quoted(part: dict[str, Any]) -> str:
    return read.text(read.mapping(part, "contextInfo"), "stanzaID")


def _media(file: dict[str, Any], download: str) -> Media:
    return Media(
        mime_type=read.text(file, "mimetype"),
        size=read.number(file, "fileLength"),
        file_name=read.text(file, "fileName", "title"),
        seconds=read.number(file, "seconds"),
        reference={
            "download": download,
            "Url": read.text(file, "URL"),
            "DirectPath": read.text(file, "directPath"),
            "MediaKey": read.text(file, "mediaKey"),
            "Mimetype": read.text(file, "mimetype"),
            "FileEncSHA256": read.text(file, "fileEncSHA256"),
            "FileSHA256": read.text(file, "fileSHA256"),
            "FileLength": read.number(file, "fileLength"),
        },
    )
