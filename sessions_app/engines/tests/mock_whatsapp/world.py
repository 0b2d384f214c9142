"""Who exists: accounts, their devices, groups, and what waits for whom."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sessions_app.engines.tests.mock_whatsapp.keys import CURVE
from sessions_app.engines.tests.mock_whatsapp.nodes import SERVER, Address, Node

if TYPE_CHECKING:
    from pyaileys.auth.creds import KeyPair

    from sessions_app.engines.tests.mock_whatsapp.connection import Connection

PHONE = 0  # the device number of the telephone itself


@dataclass(slots=True)
class KeyBundle:
    """What others need to start a Signal session with a device."""

    registration: bytes
    identity: bytes
    signed: Node
    one_time: list[Node] = field(default_factory=list)

    def take(self) -> list[Node]:
        """Return the nodes of one bundle, and use up a one-time key if any is left."""
        parts = [
            Node("registration", {}, self.registration),
            Node("type", {}, b"\x05"),
            Node("identity", {}, self.identity),
        ]
        if self.one_time:
            parts.append(self.one_time.pop(0))
        return [*parts, self.signed]


@dataclass(slots=True, eq=False)
class Device:
    """A linked client, or the phone itself.

    While it is away, stanzas wait for it; so do messages that it never acknowledged.
    """

    account: Account
    number: int
    noise_key: bytes = b""
    keys: KeyBundle | None = None
    connection: Connection | None = None
    waiting: list[Node] = field(default_factory=list)
    _unacknowledged: dict[str, Node] = field(default_factory=dict)

    @property
    def is_here(self) -> bool:
        return self.connection is not None

    @property
    def jid(self) -> str:
        return f"{self.account.number}:{self.number}{SERVER}"

    @property
    def lid(self) -> str:
        return f"{self.account.lid_user}:{self.number}@lid"

    async def deliver(self, node: Node) -> None:
        if self.connection is None:
            self._keep(node)
            return
        if node.tag == "message":
            self._unacknowledged[node.attrs["id"]] = node
        await self.connection.send(node)

    def acknowledge(self, message_id: str) -> None:
        self._unacknowledged.pop(message_id, None)

    def depart(self) -> None:
        """Lose the connection: what it may not have heard is delivered again."""
        self.connection = None
        waiting, self.waiting = self.waiting, []
        for node in (*self._unacknowledged.values(), *waiting):
            self._keep(node)
        self._unacknowledged.clear()

    def _keep(self, node: Node) -> None:
        node.attrs["offline"] = "1"
        self.waiting.append(node)


@dataclass(slots=True)
class Ban:
    """A temporary ban. `code` is WhatsApp's reason, 101 to 106."""

    code: int
    until: float

    @property
    def seconds_left(self) -> int:
        return max(0, round(self.until - time.time()))


@dataclass(slots=True)
class Troubles:
    """What goes wrong for one account."""

    failures: list[int] = field(default_factory=list)  # for the next logins, in order
    ban: Ban | None = None
    silent: bool = False  # hears everything, answers nothing
    refuse_sends: int | None = None  # the error code in the acknowledgment of each message
    needs_passkey: bool = False


@dataclass(slots=True, eq=False)
class Account:
    """A phone number on WhatsApp. `identity` is the key that vouches for its devices."""

    number: str
    identity: KeyPair = field(default_factory=CURVE.generate_keypair)
    devices: dict[int, Device] = field(default_factory=dict)
    name: str = ""
    troubles: Troubles = field(default_factory=Troubles)
    hides_number: bool = False  # others then know it by its LID alone
    watchers: list[Account] = field(default_factory=list)  # told when it comes and goes
    logins: int = 0  # of its clients, so far

    @property
    def lid_user(self) -> str:
        """The account's other name: stable, and not to be guessed from the number."""
        digest = hashlib.sha256(self.number.encode()).hexdigest()
        return str(10**14 + int(digest[:12], 16) % 10**13)

    @property
    def jid(self) -> str:
        return self.number + SERVER

    @property
    def lid(self) -> str:
        return self.lid_user + "@lid"

    def add_device(self, noise_key: bytes) -> Device:
        number = max(self.devices, default=PHONE) + 1
        self.devices[number] = Device(self, number, noise_key)
        return self.devices[number]


@dataclass(slots=True)
class Group:
    jid: str
    subject: str
    creator: Account
    members: list[Account]
    created: str


class World:
    """Everything the server remembers."""

    def __init__(self, media_host: str = "") -> None:
        self.media_host = media_host
        self.accounts: dict[str, Account] = {}
        self.groups: dict[str, Group] = {}
        self._lids: dict[str, Account] = {}

    def account(self, number: str) -> Account:
        """Return the account of this number, which comes to exist."""
        if number not in self.accounts:
            account = self.accounts[number] = Account(number)
            self._lids[account.lid_user] = account
        return self.accounts[number]

    def find(self, jid: str) -> Account | None:
        address = Address.parse(jid)
        known = self._lids if address.server == "lid" else self.accounts
        return known.get(address.user)

    def find_device(self, jid: str) -> Device | None:
        account = self.find(jid)
        return account.devices.get(Address.parse(jid).device or PHONE) if account else None

    def addressed(self, jid: str) -> list[Device]:
        """Return the device that a JID names, or all of the account's if it names none."""
        account = self.find(jid)
        number = Address.parse(jid).device
        if account is None:
            return []
        return [one for one in account.devices.values() if number in (None, one.number)]
