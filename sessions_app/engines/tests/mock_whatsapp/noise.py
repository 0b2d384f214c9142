"""The responder's half of the handshake Noise_XX_25519_AESGCM_SHA256, and what it agrees on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyaileys.crypto.aes import aes_decrypt_gcm, aes_encrypt_gcm
from pyaileys.crypto.hkdf import hkdf_sha256, sha256
from pyaileys.proto import WAProto_pb2 as proto

from sessions_app.engines.tests.mock_whatsapp.keys import CURVE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sessions_app.engines.tests.mock_whatsapp.keys import Authority

PATTERN = b"Noise_XX_25519_AESGCM_SHA256".ljust(32, b"\0")


def _nonce(counter: int) -> bytes:
    return counter.to_bytes(12, "big")


class Cipher:
    """One direction of a finished connection: each frame has the next nonce."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = 0

    def encrypt(self, plain: bytes) -> bytes:
        return aes_encrypt_gcm(plain, key=self._key, iv=self._next(), aad=b"")

    def decrypt(self, sealed: bytes) -> bytes:
        return aes_decrypt_gcm(sealed, key=self._key, iv=self._next(), aad=b"")

    def _next(self) -> bytes:
        self._counter += 1
        return _nonce(self._counter - 1)


class HandshakeState:
    """Noise's symmetric state: a running transcript hash and the key of the moment."""

    def __init__(self, prologue: bytes) -> None:
        self._hash = self._salt = self._key = PATTERN
        self._counter = 0
        self.mix_hash(prologue)

    def mix_hash(self, data: bytes) -> None:
        self._hash = sha256(self._hash + data)

    def mix_key(self, secret: bytes) -> None:
        self._salt, self._key = self.split(secret)
        self._counter = 0

    def encrypt(self, plain: bytes) -> bytes:
        nonce = _nonce(self._counter)
        sealed = aes_encrypt_gcm(plain, key=self._key, iv=nonce, aad=self._hash)
        self._advance(sealed)
        return sealed

    def decrypt(self, sealed: bytes) -> bytes:
        nonce = _nonce(self._counter)
        plain = aes_decrypt_gcm(sealed, key=self._key, iv=nonce, aad=self._hash)
        self._advance(sealed)
        return plain

    def split(self, secret: bytes = b"") -> tuple[bytes, bytes]:
        keys = hkdf_sha256(ikm=secret, length=64, salt=self._salt)
        return keys[:32], keys[32:]

    def _advance(self, sealed: bytes) -> None:
        self._counter += 1
        self.mix_hash(sealed)


class Agreement:
    """Both ciphers, the client's long-lived key and what it said of itself."""

    def __init__(self, state: HandshakeState, client_key: bytes, payload: bytes) -> None:
        from_client, to_client = state.split()
        self.incoming = Cipher(from_client)
        self.outgoing = Cipher(to_client)
        self.client_key = client_key
        self.payload = proto.ClientPayload.FromString(payload)


async def shake_hands(
    header: bytes,
    authority: Authority,
    receive: Callable[[], Awaitable[bytes]],
    send: Callable[[bytes], Awaitable[None]],
) -> Agreement:
    """Answer a client's hello and hear its finish.

    :param header: the four bytes that open the connection ("WA" and the versions).
    """
    state = HandshakeState(header)
    theirs = proto.HandshakeMessage.FromString(await receive()).clientHello.ephemeral
    ephemeral = CURVE.generate_keypair()
    state.mix_hash(theirs)
    state.mix_hash(ephemeral.public)
    state.mix_key(CURVE.shared_key(ephemeral.private, theirs))
    hello = proto.HandshakeMessage.ServerHello(ephemeral=ephemeral.public)
    hello.static = state.encrypt(authority.server.public)
    state.mix_key(CURVE.shared_key(authority.server.private, theirs))
    hello.payload = state.encrypt(authority.chain)
    await send(proto.HandshakeMessage(serverHello=hello).SerializeToString())

    finish = proto.HandshakeMessage.FromString(await receive()).clientFinish
    client_key = state.decrypt(finish.static)
    state.mix_key(CURVE.shared_key(ephemeral.private, client_key))
    return Agreement(state, client_key, state.decrypt(finish.payload))
