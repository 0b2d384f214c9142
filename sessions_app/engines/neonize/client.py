"""neonize's client, with its traps taken out. Only in a host."""

from __future__ import annotations

import ctypes
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from neonize.aioze.client import ContactStore, NewAClient
from neonize.aioze.events import Event
from neonize.proto import Neonize_pb2 as pb
from neonize.proto.waCompanionReg.WAWebProtobufsCompanionReg_pb2 import DeviceProps
from neonize.utils.log import log as neonize_log

from sessions_app.engines.neonize import translate

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

# Codes of our own for what neonize hands over beside its events.
QR_CODE = 1001
LOGIN_STATUS = 1002
# A client holds one thread for life; with the default pool of a small machine the rest starve.
_THREADS = 32


def quiet() -> None:
    """Have neonize and whatsmeow log nothing: they write numbers, codes and texts."""
    logging.disable(logging.CRITICAL)
    neonize_log.setLevel(logging.CRITICAL)


def enlarge(loop: asyncio.AbstractEventLoop) -> None:
    """Give the loop enough threads for the client and the calls of its runner."""
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="neonize"))


class _Ear(Event):  # type: ignore[misc]
    """Hands over the raw protobufs in Go's own thread: nothing has been done with them yet."""

    def __init__(self, client: NewAClient, hear: Callable[[int, bytes], None]) -> None:
        super().__init__(client)
        self._hear = hear
        self.list_func = dict.fromkeys(translate.CODES)  # what Go is to report

    def execute(self, uuid: int, binary: int, size: int, code: int) -> None:
        if code in self.list_func:
            self._hear(code, ctypes.string_at(binary, size))


class Client(NewAClient):  # type: ignore[misc]
    """The client of one session.

    :param device: the JID of the session's device, with its device part; "" pairs a new one.
        Without either, neonize would take any device in the store.
    :param hear: called in Go's threads with a code and raw data; Go waits for it.
    """

    def __init__(
        self,
        address: str,
        session_id: str,
        *,
        device: str,
        device_name: str,
        hear: Callable[[int, bytes], None],
    ) -> None:
        props = DeviceProps(os=device_name, platformType=DeviceProps.CHROME)
        super().__init__(
            address, jid=_device(device) if device else None, props=props, new_device=not device
        )
        # Collecting an old client would stop the new one of the same name.
        self._stop_finalizer.detach()
        self.uuid = session_id.encode()  # neonize takes the phone number, which may be shared
        self.contact = ContactStore(self.uuid)
        self.event = _Ear(self, hear)
        self._hear = hear

    # neonize passes these private methods to Go; there is no other way to hear of them.

    def _NewAClient__onQr(self, _uuid: int, text: int) -> None:  # noqa: N802
        self._hear(QR_CODE, ctypes.string_at(text))

    def _NewAClient__onLoginStatus(self, _uuid: int, status: int) -> None:  # noqa: N802
        self._hear(LOGIN_STATUS, ctypes.string_at(status))


def device_jid(event: Any) -> str:
    """Return the JID, device part included, of `PairStatus`; "" when nobody was paired."""
    if event.Status != pb.PairStatus.SUCCESS:
        return ""
    agent = f".{event.ID.RawAgent}" if event.ID.RawAgent else ""
    return f"{event.ID.User}{agent}:{event.ID.Device}@{event.ID.Server}"


def _device(text: str) -> pb.JID:
    name, _, server = text.rpartition("@")
    account, _, device = name.partition(":")
    user, _, agent = account.partition(".")
    return pb.JID(
        User=user,
        RawAgent=int(agent or 0),
        Device=int(device or 0),
        Integrator=0,
        Server=server,
        IsEmpty=False,
    )
