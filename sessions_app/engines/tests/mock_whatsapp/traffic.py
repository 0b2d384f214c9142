"""Messages, receipts, typing and presence: from one client to the devices they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_app.engines.tests.mock_whatsapp.nodes import Node, child, children, now

if TYPE_CHECKING:
    from sessions_app.engines.tests.mock_whatsapp.connection import Connection
    from sessions_app.engines.tests.mock_whatsapp.world import Account, Device, World

KEPT_ATTRS = ("edit", "category", "mediatype", "push_priority")
OWN_RECEIPTS = ("sender", "peer_msg", "hist_sync")  # tell nobody but the server


async def hear_message(connection: Connection, node: Node) -> None:
    """Acknowledge a message, then pass each device the ciphertext that is for it."""
    sender = _device(connection)
    refused = sender.account.troubles.refuse_sends
    ack = {"class": "message", "id": node.attrs["id"], "from": node.attrs["to"], "t": now()}
    if refused:
        ack["error"] = str(refused)
    await connection.send(Node("ack", ack))
    if not refused:
        await route_message(connection.server.world, sender, node)


async def route_message(world: World, sender: Device, node: Node) -> None:
    """Pass a message on: its parts by device, or a group's shared part to every member."""
    chat = node.attrs["to"]
    shared = children(node, "enc")
    identity = children(node, "device-identity")
    parts = {to.attrs["jid"]: children(to) for to in children(child(node, "participants"))}
    for device, own in _recipients(world, sender, chat, parts):
        if own or shared:
            attrs = _envelope(world, sender, device.account, node)
            await device.deliver(Node("message", attrs, [*own, *shared, *identity]))


def _recipients(
    world: World, sender: Device, chat: str, parts: dict[str, list[Node]]
) -> list[tuple[Device, list[Node]]]:
    """Pair every device that gets the message with the parts for it alone."""
    addressed = {world.find_device(jid): own for jid, own in parts.items()}
    group = world.groups.get(chat)
    if group:
        devices = [one for member in group.members for one in member.devices.values()]
    else:
        devices = list(addressed) or [world.find_device(chat)]  # alone: for one's own phone
    return [(one, addressed.get(one, [])) for one in devices if one and one is not sender]


def _envelope(world: World, sender: Device, reader: Account, node: Node) -> dict[str, str]:
    attrs = {key: node.attrs[key] for key in KEPT_ATTRS if key in node.attrs}
    attrs |= {
        "id": node.attrs["id"],
        "type": node.attrs.get("type", "text"),
        "t": now(),
        "addressing_mode": "lid",
        "notify": sender.account.name or sender.account.number,
    }
    chat = node.attrs["to"]
    if chat in world.groups:
        return attrs | {
            "from": chat,
            "participant": sender.lid,
            **_number(sender, "participant"),
        }
    attrs |= {"from": sender.lid, **_number(sender, "sender")}
    if reader is sender.account and attrs.get("category") != "peer":
        attrs["recipient"] = chat
    return attrs


def _number(sender: Device, role: str) -> dict[str, str]:
    account = sender.account
    return {} if account.hides_number else {f"{role}_pn": account.jid}


async def hear_receipt(connection: Connection, node: Node) -> None:
    """Acknowledge a receipt and tell those who sent what was received."""
    kind = node.attrs.get("type", "")
    reader = _device(connection)
    ack = {"class": "receipt", "id": node.attrs["id"], "from": node.attrs["to"]}
    await connection.send(Node("ack", ack | ({"type": kind} if kind else {})))
    for one in (node, *children(child(node, "list"))):
        reader.acknowledge(one.attrs["id"])
    if kind not in OWN_RECEIPTS:
        await route_receipt(connection.server.world, reader, node)


async def hear_ack(connection: Connection, node: Node) -> None:
    if node.attrs.get("class") == "message":
        _device(connection).acknowledge(node.attrs["id"])


async def route_receipt(world: World, reader: Device, node: Node) -> None:
    """Pass a receipt to the sender's devices; a request to resend only to the one it names."""
    kind, chat = node.attrs.get("type", ""), node.attrs["to"]
    sender = node.attrs.get("participant", chat)
    to = world.addressed(sender) if kind == "retry" else _devices(world.find(sender))
    attrs = {"id": node.attrs["id"], "t": now(), "from": reader.lid}
    if kind:
        attrs["type"] = kind
    if chat in world.groups:
        attrs |= {"from": chat, "participant": reader.lid}
    for device in to:
        if device is not reader:
            await device.deliver(Node("receipt", dict(attrs), node.content))


async def hear_typing(connection: Connection, node: Node) -> None:
    await route_typing(connection.server.world, _device(connection), node)


async def route_typing(world: World, typist: Device, node: Node) -> None:
    """Show typing to the other side, if it is there: nobody hears of it later."""
    chat = node.attrs["to"]
    group = world.groups.get(chat)
    attrs = {"from": chat, "participant": typist.account.lid} if group else {}
    people = group.members if group else [world.find(chat)]
    for person in people:
        if person and person is not typist.account:
            shown = Node("chatstate", {"from": typist.account.lid, **attrs}, node.content)
            await _deliver_now(person, shown)


async def hear_presence(connection: Connection, node: Node) -> None:
    """Remember who watches whom, and tell the watchers who comes and goes."""
    world, account = connection.server.world, _device(connection).account
    if node.attrs.get("type") == "subscribe":
        watched = world.find(node.attrs["to"])
        if watched and account not in watched.watchers:
            watched.watchers.append(account)
        return
    account.name = node.attrs.get("name") or account.name
    await show_presence(account, node.attrs.get("type", "available"))


async def show_presence(account: Account, kind: str) -> None:
    attrs = {"from": account.lid, "type": kind}
    if kind == "unavailable":
        attrs["last"] = now()
    for watcher in account.watchers:
        await _deliver_now(watcher, Node("presence", dict(attrs)))


async def _deliver_now(account: Account, node: Node) -> None:
    for device in account.devices.values():
        if device.is_here:
            await device.deliver(node)


def _devices(account: Account | None) -> list[Device]:
    return list(account.devices.values()) if account else []


def _device(connection: Connection) -> Device:
    assert connection.device, "only linked clients send these"
    return connection.device
