"""Messages to send, from the wire's JSON to WhatsApp's protobuf. Only in a host."""

from __future__ import annotations

import base64
import io
import time
from typing import Any

from neonize.proto import Neonize_pb2 as pb
from neonize.proto.waCommon.WACommon_pb2 import MessageKey
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import (
    ContextInfo,
    ExtendedTextMessage,
    FutureProofMessage,
    Message,
    ProtocolMessage,
    ReactionMessage,
)
from neonize.utils.enum import MediaType
from PIL import Image, UnidentifiedImageError

from sessions_app import jids

_THUMBNAIL = (72, 72)  # pixels; travels inside the message
_THUMBNAIL_OF = (24, 10_000)  # pixels a side of images worth one, and safe to decode
UPLOADS = {
    "image": MediaType.MediaImage,
    "sticker": MediaType.MediaImage,
    "video": MediaType.MediaVideo,
    "audio": MediaType.MediaAudio,
    "document": MediaType.MediaDocument,
}


def jid(text: str) -> pb.JID:
    """Return neonize's form of a normalized JID."""
    user, _, server = text.rpartition("@")
    return pb.JID(User=user, Server=server, RawAgent=0, Device=0, Integrator=0, IsEmpty=False)


def build(what: dict[str, Any]) -> Message:
    """Return the message that `neonize.requests` described.

    Texts are built here, as neonize would turn "@123" in them into a mention.
    """
    return _BUILDERS[what["kind"]](what)


def _text(what: dict[str, Any]) -> Message:
    if what["quoted"] is None:
        return Message(conversation=what["text"])
    body = ExtendedTextMessage(text=what["text"], contextInfo=_context(what["quoted"]))
    return Message(extendedTextMessage=body)


def _reaction(what: dict[str, Any]) -> Message:
    return Message(
        reactionMessage=ReactionMessage(
            key=_key(what["to"], what["target"]),
            text=what["emoji"],
            senderTimestampMS=time.time_ns() // 10**6,
        )
    )


def _edit(what: dict[str, Any]) -> Message:
    change = ProtocolMessage(
        key=_key(what["to"], what["target"]),
        type=ProtocolMessage.MESSAGE_EDIT,
        editedMessage=Message(conversation=what["text"]),
        timestampMS=time.time_ns() // 10**6,
    )
    inner = Message(protocolMessage=change)
    return Message(editedMessage=FutureProofMessage(message=inner))


def _revoke(what: dict[str, Any]) -> Message:
    key = _key(what["to"], what["target"])
    return Message(protocolMessage=ProtocolMessage(key=key, type=ProtocolMessage.REVOKE))


def _media(what: dict[str, Any]) -> Message:
    message = Message()
    body = getattr(message, f"{what['media']}Message")
    uploaded = pb.UploadResponse.FromString(base64.b64decode(what["uploaded"]))
    body.URL, body.directPath = uploaded.url, uploaded.DirectPath
    body.mediaKey, body.fileLength = uploaded.MediaKey, uploaded.FileLength
    body.fileSHA256, body.fileEncSHA256 = uploaded.FileSHA256, uploaded.FileEncSHA256
    body.mimetype = what["mime_type"]
    named = body.DESCRIPTOR.fields_by_name
    if what["caption"] and "caption" in named:
        body.caption = what["caption"]
    if what["file_name"] and "fileName" in named:
        body.fileName = body.title = what["file_name"]
    if what["thumbnail"]:
        body.JPEGThumbnail = base64.b64decode(what["thumbnail"])
    if what["quoted"] is not None:
        body.contextInfo.CopyFrom(_context(what["quoted"]))
    if what["media"] == "document" and body.caption:
        wrapped = FutureProofMessage(message=message)
        return Message(documentWithCaptionMessage=wrapped)
    return message


def thumbnail(data: bytes) -> bytes:
    """Return a small JPEG of an image; nothing when it is none that can be read safely."""
    smallest, largest = _THUMBNAIL_OF
    try:
        with Image.open(io.BytesIO(data)) as image:
            if min(image.size) < smallest or max(image.size) > largest:
                return b""
            image.draft("RGB", _THUMBNAIL)
            small = image.convert("RGB")
            small.thumbnail(_THUMBNAIL)
            out = io.BytesIO()
            small.save(out, format="JPEG")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return b""
    return out.getvalue()


def _key(chat: str, target: dict[str, Any]) -> MessageKey:
    key = MessageKey(remoteJID=chat, fromMe=target["from_me"], ID=target["wa_id"])
    if not target["from_me"] and chat.endswith(f"@{jids.GROUP_SERVER}"):
        key.participant = target["sender"]
    return key


def _context(quoted: dict[str, Any]) -> ContextInfo:
    return ContextInfo(
        stanzaID=quoted["wa_id"],
        participant=quoted["sender"],
        quotedMessage=Message(conversation=quoted["text"]),
    )


_BUILDERS = {
    "text": _text,
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
    "media": _media,
}
