"""Drives one real neonize client in a process of its own: the library can abort its process.

    python -m sessions_app.engines.tests.mock_whatsapp.driver <fd> <store> [<own JID>]

Both directions of the socket `fd` carry JSON lines: in go `{"id", "op", ...}`, out come
`{"id", "value" | "error"}` and `{"event", "data"}`. Without a JID the client asks to be linked.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from google.protobuf.json_format import MessageToDict
from neonize.aioze.client import ChatPresence, ChatPresenceMedia, NewAClient, ReceiptType
from neonize.events import INT_TO_EVENT, UnsupportedEvent
from neonize.proto.Neonize_pb2 import JID
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message
from neonize.utils.enum import ParticipantChange

from sessions_app.engines.tests.mock_whatsapp.redirect import redirect_neonize

OWN_NAME = "driver"


def read_jid(text: str) -> JID:
    name, _, server = text.partition("@")
    user, _, device = name.partition(":")
    return JID(
        User=user,
        Device=int(device or 0),
        Server=server,
        RawAgent=0,
        Integrator=0,
        IsEmpty=False,
    )


class Driver:
    """The client, and what its test may ask of it: each `do_` method is an `op`."""

    def __init__(self, channel: socket.socket, store: str, jid: str) -> None:
        self._channel = channel
        own = {"jid": read_jid(jid)} if jid else {"uuid": OWN_NAME, "new_device": True}
        self.client = NewAClient(store, **own)
        self.client._stop_finalizer.detach()
        self._heard: dict[str, Any] = {}  # messages by id, for answers to them
        for event in INT_TO_EVENT.values():
            if event is not UnsupportedEvent:
                self.client.event(event)(self._on_event)
        self.client.event.qr(self._on_qr_code)
        self.client._NewAClient__onLoginStatus = self._on_login_status

    async def run(self) -> None:
        reader, _writer = await asyncio.open_connection(sock=self._channel)
        await self.client.connect()
        async for line in reader:
            await self._obey(json.loads(line))

    async def _obey(self, order: dict[str, Any]) -> None:
        number, op = order.pop("id"), order.pop("op")
        try:
            value = await getattr(self, f"do_{op}")(**order)
        except Exception as error:  # noqa: BLE001 (the test looks at what was raised)
            self._tell(id=number, error=str(error))
        else:
            self._tell(id=number, value=value)

    def _tell(self, **line: Any) -> None:
        self._channel.setblocking(True)
        self._channel.sendall(json.dumps(line).encode() + b"\n")

    async def _on_event(self, _client: NewAClient, event: Any) -> None:
        if hasattr(event, "Info"):
            self._heard[event.Info.ID] = event
        data = MessageToDict(event, preserving_proto_field_name=True)
        self._tell(event=type(event).__name__, data=data)

    async def _on_qr_code(self, _client: NewAClient, text: bytes) -> None:
        self._tell(event="QrCode", data=text.decode())

    def _on_login_status(self, _uuid: int, status: int) -> None:
        text = ctypes.string_at(status).decode()
        self._tell(event="LoginStatus", data=text)

    async def do_pair_code(self, number: str) -> str:
        return await self.client.PairPhone(number, True)

    async def do_send_text(self, to: str, text: str) -> str:
        sent = await self.client.send_message(read_jid(to), Message(conversation=text))
        return sent.ID

    async def do_reply(self, to_message: str, text: str) -> str:
        return (await self.client.reply_message(text, self._heard[to_message])).ID

    async def do_react(self, to_message: str, emoji: str) -> str:
        source = self._heard[to_message].Info.MessageSource
        reaction = await self.client.build_reaction(
            source.Chat, source.Sender, to_message, emoji
        )
        return (await self.client.send_message(source.Chat, reaction)).ID

    async def do_edit(self, chat: str, message: str, text: str) -> str:
        edited = Message(conversation=text)
        return (await self.client.edit_message(read_jid(chat), message, edited)).ID

    async def do_revoke(self, chat: str, message: str) -> str:
        own = (await self.client.get_me()).JID
        return (await self.client.revoke_message(read_jid(chat), own, message)).ID

    async def do_type(self, to: str) -> None:
        await self.client.send_chat_presence(
            read_jid(to),
            ChatPresence.CHAT_PRESENCE_COMPOSING,
            ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT,
        )

    async def do_read(self, message: str) -> None:
        source = self._heard[message].Info.MessageSource
        await self.client.mark_read(
            message, chat=source.Chat, sender=source.Sender, receipt=ReceiptType.READ
        )

    async def do_send_document(self, to: str, text: str, filename: str) -> str:
        sent = await self.client.send_document(
            read_jid(to), text.encode(), filename=filename, mimetype="text/plain"
        )
        return sent.ID

    async def do_download(self, message: str) -> str:
        return (await self.client.download_any(self._heard[message].Message)).decode()

    async def do_create_group(self, subject: str, members: list[str]) -> str:
        group = await self.client.create_group(subject, [read_jid(one) for one in members])
        return f"{group.JID.User}@{group.JID.Server}"

    async def do_group(self, jid: str) -> dict[str, Any]:
        group = await self.client.get_group_info(read_jid(jid))
        return MessageToDict(group, preserving_proto_field_name=True)

    async def do_add_to_group(self, jid: str, member: str) -> None:
        await self.client.update_group_participants(
            read_jid(jid), [read_jid(member)], ParticipantChange.ADD
        )

    async def do_rename_group(self, jid: str, subject: str) -> None:
        await self.client.set_group_name(read_jid(jid), subject)

    async def do_leave_group(self, jid: str) -> None:
        await self.client.leave_group(read_jid(jid))

    async def do_on_whatsapp(self, number: str) -> bool:
        return (await self.client.is_on_whatsapp(number))[0].IsIn

    async def do_lid_of(self, number: str) -> str:
        lid = await self.client.get_lid_from_pn(read_jid(number))
        return f"{lid.User}@{lid.Server}"

    async def do_watch(self, jid: str) -> None:
        await self.client.subscribe_presence(read_jid(jid))

    async def do_logout(self) -> None:
        await self.client.logout()


async def main() -> None:
    fd, store, jid = (*sys.argv[1:], "")[:3]
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(16))
    redirect_neonize()
    await Driver(socket.socket(fileno=int(fd)), store, jid).run()


if __name__ == "__main__":
    asyncio.run(main())
