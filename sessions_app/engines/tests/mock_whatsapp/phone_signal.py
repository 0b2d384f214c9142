"""The phone's own end of the encryption: sessions with devices, and groups' sender keys."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pyaileys.auth.state import AuthenticationState
from pyaileys.auth.utils import init_auth_creds
from pyaileys.messages.wa_message import decode_wa_message_bytes, encode_wa_message_bytes
from pyaileys.proto import WAProto_pb2 as proto
from pyaileys.signal.repository import PreKeyBundle, PreKeyBundleKey, SignalRepository
from pyaileys.signal.util import signal_pubkey

from sessions_app.engines.tests.mock_whatsapp.keys import CURVE
from sessions_app.engines.tests.mock_whatsapp.nodes import Node, child, children, content
from sessions_app.engines.tests.mock_whatsapp.world import KeyBundle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyaileys.auth.creds import KeyPair

    from sessions_app.engines.tests.mock_whatsapp.world import Device

ONE_TIME_KEYS = 50


class MemoryKeys:
    """A Signal key store that lasts as long as its phone."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = defaultdict(dict)

    async def get(self, key_type: str, ids: list[str]) -> dict[str, Any]:
        return {one: self._kept[key_type].get(one) for one in ids}

    async def set(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        for key_type, entries in data.items():
            self._kept[key_type] |= entries

    async def clear(self) -> None:
        self._kept.clear()

    def add_one_time(self, number: int) -> KeyPair:
        pair = CURVE.generate_keypair()
        kept = {"public": pair.public, "private": pair.private}
        self._kept["pre-key"][str(number)] = kept
        return pair


class Signal:
    """Encrypts and decrypts for one phone. `jid` is its LID with device number 0."""

    def __init__(self, jid: str, identity: KeyPair) -> None:
        creds = init_auth_creds()
        creds.signed_identity_key = identity
        signed = creds.signed_pre_key
        signed.signature = CURVE.sign(identity.private, signal_pubkey(signed.key_pair.public))
        keys = MemoryKeys()
        self._jid = jid
        self._repository = SignalRepository(AuthenticationState(creds, keys))
        self.bundle = KeyBundle(
            registration=creds.registration_id.to_bytes(4, "big"),
            identity=identity.public,
            signed=_key_node("skey", signed.key_id, signed.key_pair.public, signed.signature),
            one_time=[
                _key_node("key", number, keys.add_one_time(number).public)
                for number in range(1, ONE_TIME_KEYS + 1)
            ],
        )

    async def encrypt(self, device: Device, message: proto.Message) -> Node:
        """Return the `enc` node that only this device can read."""
        if not await self._repository.validate_session(device.lid):
            await self._repository.inject_outgoing_session(device.lid, _bundle_of(device))
        padded = encode_wa_message_bytes(message.SerializeToString())
        kind, sealed = await self._repository.encrypt_message(device.lid, data=padded)
        return Node("enc", {"v": "2", "type": kind}, sealed)

    async def encrypt_for_group(
        self, group: str, message: proto.Message
    ) -> tuple[Node, proto.Message]:
        """Return the `enc` node for all members, and the key to it that each gets first."""
        sealed, distribution = await self._repository.encrypt_group_message(
            group_jid=group,
            me_jid=self._jid,
            data=encode_wa_message_bytes(message.SerializeToString()),
        )
        key = proto.Message()
        key.senderKeyDistributionMessage.groupId = group
        key.senderKeyDistributionMessage.axolotlSenderKeyDistributionMessage = distribution
        return Node("enc", {"v": "2", "type": "skmsg"}, sealed), key

    async def decrypt(self, sender: str, group: str, enc: Node) -> proto.Message:
        """Open an `enc` node. A group's key that comes along is remembered."""
        if enc.attrs["type"] == "skmsg":
            plain = await self._repository.decrypt_group_message(
                group_jid=group, author_jid=sender, ciphertext=content(enc)
            )
        else:
            plain = await self._repository.decrypt_message(
                sender, message_type=enc.attrs["type"], ciphertext=content(enc)
            )
        message = proto.Message.FromString(decode_wa_message_bytes(plain))
        if message.HasField("senderKeyDistributionMessage"):
            key = message.senderKeyDistributionMessage
            await self._repository.process_sender_key_distribution_message(
                key.groupId,
                author_jid=sender,
                distribution_bytes=key.axolotlSenderKeyDistributionMessage,
            )
        return message


def _key_node(tag: str, number: int, public: bytes, signature: bytes = b"") -> Node:
    parts = [Node("id", {}, number.to_bytes(3, "big")), Node("value", {}, public)]
    if signature:
        parts.append(Node("signature", {}, signature))
    return Node(tag, {}, list(parts))


def _bundle_of(device: Device) -> PreKeyBundle:
    """Use up one of the device's bundles, as if the server had handed it out."""
    assert device.keys, "a client uploads its keys as soon as it is connected"
    given = Node("user", {}, list(device.keys.take()))
    one_time = children(given, "key")
    return PreKeyBundle(
        registration_id=int.from_bytes(content(child(given, "registration")), "big"),
        identity_key=signal_pubkey(content(child(given, "identity"))),
        signed_pre_key=_bundle_key(child(given, "skey")),
        pre_key=_bundle_key(one_time[0]) if one_time else None,
    )


def _bundle_key(node: Node | None) -> PreKeyBundleKey:
    return PreKeyBundleKey(
        key_id=int.from_bytes(content(child(node, "id")), "big"),
        public_key=signal_pubkey(content(child(node, "value"))),
        signature=content(child(node, "signature")) or None,
    )
