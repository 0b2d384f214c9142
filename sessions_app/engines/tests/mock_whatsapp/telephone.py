"""The telephone as one of its account's devices: it writes, reads and acknowledges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyaileys.proto import WAProto_pb2 as proto
from pyaileys.signal.repository import SignalError

from sessions_app.engines.tests.mock_whatsapp import traffic
from sessions_app.engines.tests.mock_whatsapp.nodes import Address, Node, children, fresh_id
from sessions_app.engines.tests.mock_whatsapp.phone_signal import Signal
from sessions_app.engines.tests.mock_whatsapp.world import PHONE, Device

if TYPE_CHECKING:
    from sessions_app.engines.tests.mock_whatsapp.world import Account, World


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that a phone got: who wrote it (a number), in which chat, and what."""

    message_id: str
    sender: str
    chat: str
    message: proto.Message

    @property
    def text(self) -> str:
        return self.message.conversation or self.message.extendedTextMessage.text


@dataclass(frozen=True, slots=True)
class HeardReceipt:
    """`kind` is "" for delivered, else "read", "played" ..."""

    message_id: str
    sender: str
    kind: str


class Telephone(Device):
    """Device 0 of an account. It is always online, and keeps all it hears."""

    def __init__(self, world: World, account: Account) -> None:
        super().__init__(account, PHONE)
        self._world = world
        self._signal = Signal(self.lid, account.identity)
        self.keys = self._signal.bundle
        self.messages: list[Heard] = []
        self.receipts: list[HeardReceipt] = []
        self.undecryptable: list[str] = []  # ids of messages for which the keys were wrong
        self.typing: list[tuple[str, str]] = []  # who, and "composing" or "paused"

    @property
    def is_here(self) -> bool:
        return True

    async def deliver(self, node: Node) -> None:
        sender = node.attrs.get("participant", node.attrs["from"])
        author = self._world.find(sender)
        number = author.number if author else sender
        if node.tag == "message":
            try:
                await self._read(node, sender, number)
            except SignalError:
                self.undecryptable.append(node.attrs["id"])
        elif node.tag == "receipt":
            kind = node.attrs.get("type", "")
            self.receipts.append(HeardReceipt(node.attrs["id"], number, kind))
        elif node.tag == "chatstate":
            self.typing += [(number, one.tag) for one in children(node)]

    async def send(self, chat: str, message: proto.Message) -> str:
        """Encrypt a message for every device concerned, send it and return its id."""
        node = Node("message", {"to": chat, "id": fresh_id(), "type": "text"}, [])
        if chat in self._world.groups:
            shared, key = await self._signal.encrypt_for_group(chat, message)
            devices = self._others(self._world.groups[chat].members)
            parts = [await self._part(one, key) for one in devices]
            node.content = [Node("participants", {}, parts), shared]
        else:
            node.content = [Node("participants", {}, await self._parts(chat, message))]
        await traffic.route_message(self._world, self, node)
        return node.attrs["id"]

    async def send_to_own_clients(self, message: proto.Message) -> None:
        """Send what only the account's own clients are to hear."""
        for device in self._others([self.account]):
            attrs = {"to": device.lid, "id": fresh_id(), "type": "text", "category": "peer"}
            part = await self._part(device, message)
            node = Node("message", attrs, [Node("participants", {}, [part])])
            await traffic.route_message(self._world, self, node)

    async def acknowledge(
        self, message_id: str, chat: str, author: str, kind: str = ""
    ) -> None:
        """Tell the author's devices that a message came, or was read."""
        attrs = {"id": message_id, "to": chat, "participant": author}
        if kind:
            attrs["type"] = kind
        await traffic.route_receipt(self._world, self, Node("receipt", attrs))

    async def type(self, chat: str, state: str) -> None:
        node = Node("chatstate", {"to": chat}, [Node(state, {})])
        await traffic.route_typing(self._world, self, node)

    async def _parts(self, chat: str, message: proto.Message) -> list[Node]:
        """Encrypt for the other side, and for our own clients as something we sent."""
        other = self._world.find(chat)
        copy = proto.Message()
        copy.deviceSentMessage.destinationJid = chat
        copy.deviceSentMessage.message.CopyFrom(message)
        theirs = [await self._part(one, message) for one in self._others([other])]
        return theirs + [await self._part(one, copy) for one in self._others([self.account])]

    async def _part(self, device: Device, message: proto.Message) -> Node:
        return Node("to", {"jid": device.lid}, [await self._signal.encrypt(device, message)])

    def _others(self, people: list[Account | None]) -> list[Device]:
        devices = [one for person in people if person for one in person.devices.values()]
        return [one for one in devices if one is not self and one.keys]

    async def _read(self, node: Node, sender: str, number: str) -> None:
        chat = node.attrs["from"]
        for enc in children(node, "enc"):
            message = await self._signal.decrypt(sender, chat, enc)
            if message.HasField("deviceSentMessage"):
                message = message.deviceSentMessage.message
            heard = Heard(node.attrs["id"], number, self._chat(node), message)
            if node.attrs.get("category") != "peer" and not _is_key_only(message):
                self.messages.append(heard)
        if number != self.account.number:
            await self.acknowledge(node.attrs["id"], chat, sender)

    def _chat(self, node: Node) -> str:
        """Name the chat by its group, or by the other side's LID."""
        chat = node.attrs.get("recipient", node.attrs["from"])
        address = Address.parse(chat)
        return f"{address.user}@{address.server}"


def _is_key_only(message: proto.Message) -> bool:
    return {field.name for field, _ in message.ListFields()} <= {
        "senderKeyDistributionMessage",
        "messageContextInfo",
    }
