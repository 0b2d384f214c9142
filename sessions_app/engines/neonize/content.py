"""What a WhatsApp message holds, read from its protobuf. Only in a host: it loads neonize."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message

from sessions_app.engines.content import (
    ENVELOPES,
    HOUSEKEEPING,
    MAX_ENVELOPES,
    Content,
    Media,
    MessageKind,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEDIA: Mapping[str, MessageKind] = {
    "imageMessage": MessageKind.IMAGE,
    "videoMessage": MessageKind.VIDEO,
    "ptvMessage": MessageKind.VIDEO,
    "audioMessage": MessageKind.AUDIO,
    "documentMessage": MessageKind.DOCUMENT,
    "stickerMessage": MessageKind.STICKER,
}
_OTHERS: Mapping[str, MessageKind] = {
    "locationMessage": MessageKind.LOCATION,
    "liveLocationMessage": MessageKind.LOCATION,
    "contactMessage": MessageKind.CONTACT,
    "contactsArrayMessage": MessageKind.CONTACT,
    "pollCreationMessage": MessageKind.POLL,
    "pollCreationMessageV2": MessageKind.POLL,
    "pollCreationMessageV3": MessageKind.POLL,
    "pollCreationMessageV5": MessageKind.POLL,
}
# Where a kind without a file keeps what it says, best first.
_WORDS = ("text", "caption", "name", "displayName", "title", "description", "hydratedTitle")
# The protobuf's name of a file's field, by ours.
_FIELDS = {
    "media_key": "mediaKey",
    "sha256": "fileSHA256",
    "enc_sha256": "fileEncSHA256",
    "direct_path": "directPath",
    "length": "fileLength",
}


def unwrap(message: Message) -> Message:
    """Return the message inside its envelopes."""
    for _ in range(MAX_ENVELOPES):
        name = next((name for name in ENVELOPES if message.HasField(name)), None)
        if name is None:
            return message
        message = getattr(message, name).message
    return message


def read(message: Message) -> Content | None:
    """Return what an unwrapped message says; None when nobody wrote it."""
    if message.HasField("conversation"):
        return Content(MessageKind.TEXT, message.conversation)
    name = _body_of(message)
    if name is None:
        return None
    body = getattr(message, name)
    quoted = body.contextInfo.stanzaID if _has(body, "contextInfo") else ""
    if name == "extendedTextMessage":
        return Content(MessageKind.TEXT, body.text, quoted_wa_id=quoted)
    if name in _MEDIA:
        kind = _MEDIA[name]
        text = getattr(body, "caption", "")
        return Content(kind, text, _media(kind, body), quoted)
    return Content(_OTHERS.get(name, MessageKind.OTHER), _words(body), quoted_wa_id=quoted)


def to_download(reference: dict[str, Any]) -> Message:
    """Return a message that holds just the file that `Media.reference` names.

    Its address is WhatsApp's path without a host: the sender of a file must not choose what
    this process connects to.

    :raises ValueError: it is not a reference of this engine.
    """
    name = f"{reference.get('kind')}Message"
    path = reference.get("direct_path")
    if name not in _MEDIA or not isinstance(path, str) or not path.startswith("/"):
        raise ValueError("This is not a reference to a file.")
    message = Message()
    body = getattr(message, name)
    for ours, theirs in _FIELDS.items():
        value = reference[ours]
        is_bytes = isinstance(getattr(body, theirs), bytes)
        setattr(body, theirs, base64.b64decode(value) if is_bytes else value)
    return message


def _body_of(message: Message) -> str | None:
    present = [field.name for field, _ in message.ListFields()]
    return next((name for name in present if name not in HOUSEKEEPING), None)


def _media(kind: MessageKind, body: Any) -> Media:
    reference: dict[str, Any] = {"kind": str(kind)}
    for ours, theirs in _FIELDS.items():
        value = getattr(body, theirs)
        reference[ours] = (
            base64.b64encode(value).decode() if isinstance(value, bytes) else value
        )
    return Media(
        mime_type=body.mimetype,
        size=body.fileLength,
        file_name=getattr(body, "fileName", ""),
        seconds=getattr(body, "seconds", 0),
        reference=reference,
    )


def _words(body: Any) -> str:
    if isinstance(body, str):
        return body
    found = (getattr(body, word, "") for word in _WORDS)
    return next((text for text in found if text and isinstance(text, str)), "")


def _has(body: Any, name: str) -> bool:
    return name in body.DESCRIPTOR.fields_by_name if hasattr(body, "DESCRIPTOR") else False
