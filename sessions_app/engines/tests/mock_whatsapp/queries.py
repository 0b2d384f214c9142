"""What clients ask the server: keys, people, and where media is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_app.engines.tests.mock_whatsapp import faults
from sessions_app.engines.tests.mock_whatsapp.nodes import (
    SERVER,
    Address,
    Node,
    child,
    children,
    content,
    result,
)
from sessions_app.engines.tests.mock_whatsapp.world import PHONE, KeyBundle

if TYPE_CHECKING:
    from sessions_app.engines.tests.mock_whatsapp.connection import Connection
    from sessions_app.engines.tests.mock_whatsapp.world import Account, Device, World

MEDIA_TTL_SECONDS = 3600


def keys(world: World, device: Device, query: Node) -> Node:
    """Count, store or hand out the keys with which Signal sessions start."""
    if child(query, "count"):
        left = len(device.keys.one_time) if device.keys else 0
        return result(query, Node("count", {"value": str(left)}))
    if child(query, "list"):
        _store_keys(device, query)
        return result(query)
    asked = [one.attrs["jid"] for one in children(child(query, "key"))]
    return result(query, Node("list", {}, [_bundle(world, jid) for jid in asked]))


def _store_keys(device: Device, query: Node) -> None:
    signed = child(query, "skey")
    assert signed, "a client uploads its signed key with the others"
    before = device.keys.one_time if device.keys else []
    device.keys = KeyBundle(
        registration=content(child(query, "registration")),
        identity=content(child(query, "identity")),
        signed=signed,
        one_time=before + children(child(query, "list")),
    )


def _bundle(world: World, jid: str) -> Node:
    device = world.find_device(jid)
    if device is None or device.keys is None:
        missing = Node("error", {"code": "404", "text": "item-not-found"})
        return Node("user", {"jid": jid}, [missing])
    return Node("user", {"jid": jid}, list(device.keys.take()))


def people(world: World, _device: Device, query: Node) -> Node:
    """Say who is on WhatsApp, by which names, and with which devices."""
    sync = child(query, "usync")
    fields = [one.tag for one in children(child(sync, "query"))]
    users = [_user(world, one, fields) for one in children(child(sync, "list"))]
    return result(query, Node("usync", {}, [Node("result", {}), Node("list", {}, users)]))


def _user(world: World, asked: Node, fields: list[str]) -> Node:
    jid = asked.attrs.get("jid")
    if jid:
        account = world.find(jid)
        known = [_field(account, name) for name in fields] if account else []
        return Node("user", {"jid": jid}, [one for one in known if one])
    written = content(child(asked, "contact"))
    number = Address.parse(written.decode()).user.lstrip("+")
    account = world.accounts.get(number)
    found = Node("contact", {"type": "in" if account else "out"}, written)
    name = account.lid if account else number + SERVER
    return Node("user", {"jid": name, "pn_jid": number + SERVER}, [found])


def _field(account: Account, name: str) -> Node | None:
    match name:
        case "devices":
            devices = [_device_entry(one) for one in sorted(account.devices)]
            listed = Node("device-list", {"hash": f"2:{len(devices)}"}, list(devices))
            return Node("devices", {}, [listed])
        case "lid":
            return Node("lid", {"val": account.lid})
        case "status":
            return Node("status", {"t": "0"}, b"Hey there!")
    return None


def _device_entry(number: int) -> Node:
    index = {} if number == PHONE else {"key-index": str(number)}
    return Node("device", {"id": str(number), **index})


def media_hosts(world: World, _device: Device, query: Node) -> Node:
    """Name the host that takes uploads and serves downloads."""
    hosts = [Node("host", {"hostname": world.media_host})]
    life = str(MEDIA_TTL_SECONDS)
    attrs = {"auth": "mock", "ttl": life, "auth_ttl": life, "max_buckets": "12"}
    return result(query, Node("media_conn", attrs, list(hosts)))


async def follow_up(connection: Connection, query: Node) -> None:
    """Do what a query asks for beyond its answer: a client that unlinks itself is removed."""
    if child(query, "remove-companion-device") and connection.device:
        device = connection.device
        device.account.devices.pop(device.number, None)
        await faults.end(connection, faults.device_removed())
