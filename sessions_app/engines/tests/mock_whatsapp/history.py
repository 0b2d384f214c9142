"""Past chats, as a phone hands them to a client that was just linked."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyaileys.media import encrypt_media_bytes
from pyaileys.proto import WAProto_pb2 as proto

from sessions_app.engines.tests.mock_whatsapp.nodes import fresh_id, now

if TYPE_CHECKING:
    from sessions_app.engines.tests.mock_whatsapp.media import MediaHost
    from sessions_app.engines.tests.mock_whatsapp.telephone import Telephone


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat with one person: their JID, their name, and the texts they wrote, oldest first."""

    jid: str
    name: str
    texts: list[str] = field(default_factory=list)


async def send(telephone: Telephone, media: MediaHost, chats: list[Chat]) -> None:
    """Upload the chats, and tell the account's clients where they are."""
    sync = proto.HistorySync(
        syncType=proto.HistorySync.RECENT,
        conversations=[_conversation(one) for one in chats],
        pushnames=[proto.Pushname(id=one.jid, pushname=one.name) for one in chats],
    )
    packed = zlib.compress(sync.SerializeToString())
    sealed = encrypt_media_bytes(packed, media_type="md-msg-hist")
    message = proto.Message()
    message.protocolMessage.type = proto.Message.ProtocolMessage.HISTORY_SYNC_NOTIFICATION
    notice = message.protocolMessage.historySyncNotification
    notice.syncType = int(sync.syncType)
    notice.directPath = media.keep(sealed.enc_bytes)
    notice.mediaKey = sealed.media_key
    notice.fileSha256 = sealed.file_sha256
    notice.fileEncSha256 = sealed.file_enc_sha256
    notice.fileLength = sealed.file_length
    await telephone.send_to_own_clients(message)


def _conversation(chat: Chat) -> proto.Conversation:
    conversation = proto.Conversation(id=chat.jid, name=chat.name)
    for text in chat.texts:
        past = conversation.messages.add().message
        past.key.remoteJid = chat.jid
        past.key.id = fresh_id()
        past.messageTimestamp = int(now())
        past.message.conversation = text
    return conversation
