"""Groups: made, asked about and changed by `w:g2` queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_app.engines.tests.mock_whatsapp.nodes import (
    Node,
    child,
    children,
    content,
    fresh_id,
    notification,
    now,
    refusal,
    result,
)
from sessions_app.engines.tests.mock_whatsapp.world import Group

if TYPE_CHECKING:
    from sessions_app.engines.tests.mock_whatsapp.connection import Connection
    from sessions_app.engines.tests.mock_whatsapp.world import Account, Device, World

NOT_FOUND = 404
NEWS = "w:gp2"


async def hear_query(connection: Connection, query: Node) -> None:
    """Answer one query on groups, and tell the members what it changed."""
    world, device = connection.server.world, connection.device
    assert device, "only linked clients ask for groups"
    if made := child(query, "create"):
        members = [world.find(one.attrs["jid"]) for one in children(made, "participant")]
        group = await create(world, device, made.attrs["subject"], members)
        await connection.send(result(query, describe(group)))
        return
    await connection.send(_answer(world, device, query))
    group = world.groups.get(query.attrs["to"])
    if group and query.attrs["type"] == "set":
        for change in children(query):
            await _announce(group, device, _by_lid(world, change))


def _answer(world: World, device: Device, query: Node) -> Node:
    if child(query, "participating"):
        own = [one for one in world.groups.values() if device.account in one.members]
        return result(query, Node("groups", {}, [describe(one) for one in own]))
    if leaving := child(query, "leave"):
        for one in children(leaving, "group"):
            world.groups[one.attrs["id"]].members.remove(device.account)
        return result(query, leaving)
    group = world.groups.get(query.attrs["to"])
    if group is None or device.account not in group.members:
        return refusal(query, NOT_FOUND, "item-not-found")
    if child(query, "query"):
        return result(query, describe(group))
    return result(query, *[_change(world, group, one) for one in children(query)])


async def create(
    world: World, founder: Device, subject: str, members: list[Account | None]
) -> Group:
    """Make a group of its creator and the members who exist; they hear of it."""
    creator = founder.account
    jid = f"120363{int(fresh_id(), 16) % 10**12:012d}@g.us"
    people = [creator, *(one for one in members if one and one is not creator)]
    group = world.groups[jid] = Group(jid, subject, creator, people, created=now())
    await _announce(group, founder, Node("create", {"type": "new"}, [describe(group)]))
    return group


def _by_lid(world: World, change: Node) -> Node:
    """Return a change as members hear of it, whichever way its author wrote the names."""
    named = [world.find(one.attrs["jid"]) for one in children(change, "participant")]
    people = [
        Node("participant", {"jid": one.lid, "phone_number": one.jid}) for one in named if one
    ]
    return Node(change.tag, change.attrs, people or change.content)


async def _announce(group: Group, actor: Device, change: Node) -> None:
    for member in group.members:
        for device in list(member.devices.values()):
            if device is not actor:
                news = notification(NEWS, change, sender=group.jid)
                news.attrs |= {"participant": actor.account.lid, "addressing_mode": "lid"}
                await device.deliver(news)


def describe(group: Group) -> Node:
    """Return a group as the server shows it, its members under both their names."""
    attrs = {
        "id": group.jid.partition("@")[0],
        "creator": group.creator.lid,
        "creator_pn": group.creator.jid,
        "creation": group.created,
        "subject": group.subject,
        "s_t": group.created,
        "s_o": group.creator.lid,
        "addressing_mode": "lid",
        "size": str(len(group.members)),
    }
    return Node("group", attrs, [_member(group, one) for one in group.members])


def _member(group: Group, account: Account) -> Node:
    rank = {"type": "superadmin"} if account is group.creator else {}
    return Node("participant", {"jid": account.lid, "phone_number": account.jid, **rank})


def _change(world: World, group: Group, change: Node) -> Node:
    """Change the members or the subject; anything else is taken note of by its answer alone."""
    if change.tag == "subject":
        group.subject = content(change).decode()
        return Node(change.tag, {})
    named = [(one.attrs["jid"], world.find(one.attrs["jid"])) for one in children(change)]
    for _jid, account in named:
        if account and change.tag == "add" and account not in group.members:
            group.members.append(account)
        if account and change.tag == "remove" and account in group.members:
            group.members.remove(account)
    outcomes = [
        Node("participant", {"jid": jid} | ({} if account else {"error": str(NOT_FOUND)}))
        for jid, account in named
    ]
    return Node(change.tag, {}, list(outcomes))
