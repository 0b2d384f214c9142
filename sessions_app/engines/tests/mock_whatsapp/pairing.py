"""Linking a client to an account: by QR code, by pairing code, or stopped for a passkey."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from typing import TYPE_CHECKING

from pyaileys.proto import WAProto_pb2 as proto

from sessions_app.engines.tests.mock_whatsapp import faults
from sessions_app.engines.tests.mock_whatsapp.keys import CURVE
from sessions_app.engines.tests.mock_whatsapp.linkcodes import LinkRequest
from sessions_app.engines.tests.mock_whatsapp.nodes import (
    Node,
    child,
    content,
    fresh_reference,
    notification,
    request,
    result,
)

if TYPE_CHECKING:
    from sessions_app.engines.tests.mock_whatsapp.connection import Connection
    from sessions_app.engines.tests.mock_whatsapp.linkcodes import Introduction
    from sessions_app.engines.tests.mock_whatsapp.world import Account, Device

QR_CODES = 6  # a client shows the first for 60 s, the others for 20 s each
SIGNED_BY_ACCOUNT = b"\x06\x00"  # what the account's signature over a device starts with


class QrCodeUnknown(Exception):
    """No client that is connected shows this QR code."""


class PairingCodeUnknown(Exception):
    """No client that is connected asked for a pairing code for this number."""


class Lobby:
    """The clients that wait to be linked."""

    def __init__(self) -> None:
        self.refusal: int | None = None  # what every new client is told instead
        self._shown: dict[str, Connection] = {}  # by the reference in the QR code
        self._requests: dict[str, LinkRequest] = {}  # by phone number

    async def offer(self, connection: Connection) -> None:
        """Give a client the references for its QR codes."""
        references = [fresh_reference() for _ in range(QR_CODES)]
        self._shown |= dict.fromkeys(references, connection)
        refs = [Node("ref", {}, one.encode()) for one in references]
        await connection.send(request("md", Node("pair-device", {}, refs)))

    def forget(self, connection: Connection) -> None:
        self._shown = {ref: one for ref, one in self._shown.items() if one is not connection}
        for number, asked in list(self._requests.items()):
            if asked.connection is connection:
                asked.cancel()
                del self._requests[number]

    async def scan(self, account: Account, qr_text: str) -> None:
        """Link the client that shows this QR code to the account.

        :raises QrCodeUnknown: when no connected client shows it.
        """
        reference, _noise, identity, secret, *_ = qr_text.rpartition("#")[2].split(",")
        connection = self._shown.get(reference)
        if connection is None:
            raise QrCodeUnknown
        if account.troubles.needs_passkey:
            await connection.send(_passkey_challenge())
            return
        await _accept(connection, account, base64.b64decode(identity), base64.b64decode(secret))

    async def enter_code(self, account: Account, code: str) -> None:
        """Link the client that shows this pairing code for the account's number.

        :raises PairingCodeUnknown: when no client asked for a code for this number.
        :raises PairingCodeWrong: when it did, but its code is another one.
        """
        asked = self._requests.get(account.number)
        if asked is None:
            raise PairingCodeUnknown(account.number)
        introduced: Introduction = await asked.greet(account.identity, code.replace("-", ""))
        await _accept(asked.connection, account, introduced.identity, introduced.secret)

    async def hear(self, connection: Connection, query: Node) -> None:
        """Answer what a client asks before it is linked."""
        stage = child(query, "link_code_companion_reg")
        if stage and stage.attrs["stage"] == "companion_hello":
            asked = LinkRequest(connection, stage)
            self._requests[stage.attrs["jid"].partition("@")[0]] = asked
            reference = Node("link_code_pairing_ref", {}, asked.reference.encode())
            answer = Node("link_code_companion_reg", {"stage": "companion_hello"}, [reference])
            await connection.send(result(query, answer))
            return
        await connection.send(result(query))
        if stage:
            self._finish(stage)

    def _finish(self, stage: Node) -> None:
        reference = content(child(stage, "link_code_pairing_ref")).decode()
        for asked in self._requests.values():
            if asked.reference == reference:
                asked.finish(stage)


async def confirm(connection: Connection, answer: Node) -> None:
    """Hear a client's answer to our requests: once it has signed, it must connect again."""
    if child(answer, "pair-device-sign"):
        await faults.end(
            connection, faults.restart_stream(), delay=faults.SAVE_BEFORE_CLOSE_SECONDS
        )


async def _accept(
    connection: Connection, account: Account, identity: bytes, secret: bytes
) -> None:
    device = account.add_device(connection.agreement.client_key)
    success = Node(
        "pair-success",
        {},
        [
            Node("device-identity", {}, _sealed_identity(device, identity, secret)),
            Node("device", {"jid": device.jid, "lid": device.lid}),
            Node("platform", {"name": "android"}),
        ],
    )
    await connection.send(request("md", success))


def _sealed_identity(device: Device, identity: bytes, secret: bytes) -> bytes:
    """Return the account's word that this Signal key is its device's, sealed for the client."""
    account = device.account.identity
    details = proto.ADVDeviceIdentity(
        rawId=1, timestamp=int(time.time()), keyIndex=device.number
    ).SerializeToString()
    signed = proto.ADVSignedDeviceIdentity(
        details=details,
        accountSignatureKey=account.public,
        accountSignature=CURVE.sign(account.private, SIGNED_BY_ACCOUNT + details + identity),
    ).SerializeToString()
    return proto.ADVSignedDeviceIdentityHMAC(
        details=signed, hmac=hmac.digest(secret, signed, hashlib.sha256)
    ).SerializeToString()


def _passkey_challenge() -> Node:
    options = {
        "challenge": base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("="),
        "rpId": "whatsapp.com",
        "timeout": 60_000,
        "userVerification": "required",
        "allowCredentials": [],
    }
    content = Node("passkey_request_options", {}, json.dumps(options).encode())
    return notification("passkey_prologue_request", content)
