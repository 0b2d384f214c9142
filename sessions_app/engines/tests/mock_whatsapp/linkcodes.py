"""The cryptography of a pairing code: two ephemeral keys that meet under eight characters."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from pyaileys.crypto.aes import aes_decrypt_gcm, aes_encrypt_ctr
from pyaileys.crypto.hkdf import hkdf_sha256

from sessions_app.engines.tests.mock_whatsapp.keys import CURVE
from sessions_app.engines.tests.mock_whatsapp.nodes import (
    Node,
    child,
    content,
    fresh_reference,
    notification,
)

if TYPE_CHECKING:
    from pyaileys.auth.creds import KeyPair

    from sessions_app.engines.tests.mock_whatsapp.connection import Connection

PBKDF2_ITERATIONS = 2 << 16
FINISH_SECONDS = 10.0


class PairingCodeWrong(Exception):
    """The client shows another pairing code, or gave up meanwhile."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """What the client proved by knowing the code."""

    identity: bytes  # the client's long-lived Signal key
    secret: bytes  # authenticates the device identity that the phone answers with


class LinkRequest:
    """A client that shows a pairing code and waits for somebody to type it."""

    def __init__(self, connection: Connection, hello: Node) -> None:
        self.connection = connection
        self.reference = fresh_reference()
        self._wrapped = content(
            child(hello, "link_code_pairing_wrapped_companion_ephemeral_pub")
        )
        self._finished: asyncio.Future[Node] = asyncio.get_running_loop().create_future()

    async def greet(self, identity: KeyPair, code: str) -> Introduction:
        """Answer the client as a phone on which `code` was typed.

        :raises PairingCodeWrong: when the client's code is another one.
        """
        ephemeral = CURVE.generate_keypair()
        await self.connection.send(self._primary_hello(identity, ephemeral, code))
        try:
            finish = await asyncio.wait_for(asyncio.shield(self._finished), FINISH_SECONDS)
            shared = CURVE.shared_key(ephemeral.private, _unwrap(self._wrapped, code))
            return _open_bundle(finish, shared, identity)
        except (TimeoutError, asyncio.CancelledError, InvalidTag) as error:
            raise PairingCodeWrong from error

    def finish(self, stage: Node) -> None:
        if not self._finished.done():
            self._finished.set_result(stage)

    def cancel(self) -> None:
        self._finished.cancel()

    def _primary_hello(self, identity: KeyPair, ephemeral: KeyPair, code: str) -> Node:
        wrapped = _wrap(ephemeral.public, code)
        stage = Node(
            "link_code_companion_reg",
            {"stage": "primary_hello"},
            [
                Node("link_code_pairing_ref", {}, self.reference.encode()),
                Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped),
                Node("primary_identity_pub", {}, identity.public),
            ],
        )
        return notification("link_code_companion_reg", stage)


def _wrap(public: bytes, code: str) -> bytes:
    salt, counter = os.urandom(32), os.urandom(16)
    return salt + counter + aes_encrypt_ctr(public, key=_stretch(code, salt), iv=counter)


def _unwrap(wrapped: bytes, code: str) -> bytes:
    salt, counter, public = wrapped[:32], wrapped[32:48], wrapped[48:]
    return aes_encrypt_ctr(public, key=_stretch(code, salt), iv=counter)  # its own inverse


def _stretch(code: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", code.encode(), salt, PBKDF2_ITERATIONS)


def _open_bundle(finish: Node, shared: bytes, identity: KeyPair) -> Introduction:
    bundle = content(child(finish, "link_code_pairing_wrapped_key_bundle"))
    salt, nonce, sealed = bundle[:32], bundle[32:44], bundle[44:]
    purpose = b"link_code_pairing_key_bundle_encryption_key"
    key = hkdf_sha256(ikm=shared, length=32, salt=salt, info=purpose)
    plain = aes_decrypt_gcm(sealed, key=key, iv=nonce, aad=b"")
    theirs, random = plain[:32], plain[64:]
    material = shared + CURVE.shared_key(identity.private, theirs) + random
    return Introduction(
        theirs, hkdf_sha256(ikm=material, length=32, salt=b"", info=b"adv_secret")
    )
