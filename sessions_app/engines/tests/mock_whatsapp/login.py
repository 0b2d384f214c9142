"""What a client meets after the handshake: pairing, success or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_app.engines.tests.mock_whatsapp import faults
from sessions_app.engines.tests.mock_whatsapp.nodes import SERVER, Node, now

if TYPE_CHECKING:
    from sessions_app.engines.tests.mock_whatsapp.connection import Connection
    from sessions_app.engines.tests.mock_whatsapp.world import Device


async def greet(connection: Connection) -> None:
    """Answer what the client says it is."""
    payload = connection.agreement.payload
    if payload.HasField("devicePairingData"):
        await _receive_stranger(connection)
        return
    account = connection.server.world.accounts.get(str(payload.username))
    device = account.devices.get(payload.device) if account else None
    if account and (failure := faults.at_login(account)):
        await faults.end(connection, failure)
    elif device is None or device.noise_key != connection.agreement.client_key:
        await faults.end(connection, faults.failure(faults.LOGGED_OUT))
    else:
        await _welcome(connection, device)


async def _receive_stranger(connection: Connection) -> None:
    lobby = connection.server.lobby
    if lobby.refusal:
        await faults.end(connection, faults.failure(lobby.refusal))
    else:
        await lobby.offer(connection)


def leave(connection: Connection) -> None:
    """Forget a connection: what is sent to its device waits from now on."""
    connection.server.lobby.forget(connection)
    device = connection.device
    if device and device.connection is connection:
        device.depart()


async def _welcome(connection: Connection, device: Device) -> None:
    if device.connection:
        former = device.connection
        device.depart()
        await faults.end(former, faults.replaced())
    connection.device, device.connection = device, connection
    device.account.logins += 1
    await connection.send(_success(device))
    waiting, device.waiting = device.waiting, []
    counts = {"count": str(len(waiting)), "message": str(len(waiting))}
    await connection.send(Node("ib", {"from": SERVER}, [Node("offline_preview", counts)]))
    for node in waiting:
        await device.deliver(node)
    counts = {"count": str(len(waiting))}
    await connection.send(Node("ib", {"from": SERVER}, [Node("offline", counts)]))


def _success(device: Device) -> Node:
    return Node(
        "success",
        {
            "t": now(),
            "lid": device.lid,
            "display_name": device.account.name,
            "props": "27",
            "companion_enc_static": "x",
            "location": "mock",
        },
    )
