"""The embedded engine: one process per session, in which neonize speaks to WhatsApp.

neonize is an optional dependency and must never be loaded into this process; see
`neonize.host` for why.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from sessions_app.engines.base import Engine, EngineError
from sessions_app.engines.capabilities import EVERY_MESSAGE, Capability
from sessions_app.engines.neonize import store
from sessions_app.engines.neonize.connection import NeonizeConnection
from sessions_app.engines.neonize.process import HOST_COMMAND, HostCommand, Patience

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sessions_app.engines.base import EventSink, SessionRef

DEVICE_NAME = "Orsta"
_PREPARE_SECONDS = 60.0
# It names a folder; ours are "ses_" and letters and digits.
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PROXIES = frozenset({"http", "https", "socks5"})  # what whatsmeow takes; the rest it ignores


class NeonizeEngine(Engine):
    """:param dsn: PostgreSQL URL of the database of devices, which its role alone can read.
    :param spool_dir: where hosts keep what no database has yet; must survive a restart.
    :param host_command: starts a host instead of the usual program.
    :param extra_env: added to the few variables that a host gets.
    :param memory_limit_mb: a host with more resident memory is started anew.
    :param device_name: what phones show for sessions that have no name of their own.
    """

    name: ClassVar[str] = "neonize"
    capabilities: ClassVar[frozenset[Capability]] = EVERY_MESSAGE | {
        Capability.PAIR_QR,
        Capability.PAIR_CODE,
        Capability.CONTACTS,
        Capability.CONNECTION_EVENTS,
        Capability.PRESENCE,
        Capability.HISTORY,
        Capability.GROUPS,
        Capability.CHECK_NUMBERS,
        Capability.PER_SESSION_PROXY,
    }

    def __init__(
        self,
        dsn: str,
        spool_dir: str | Path,
        *,
        host_command: Sequence[str] | None = None,
        extra_env: Mapping[str, str] | None = None,
        memory_limit_mb: int = 512,
        device_name: str = DEVICE_NAME,
        patience: Patience | None = None,
    ) -> None:
        store.address_for_whatsmeow(dsn)  # refuses an address that it can't use
        self._dsn = dsn
        self._spool_dir = Path(spool_dir).absolute()
        self._command = HostCommand(
            tuple(host_command or HOST_COMMAND), dict(extra_env or {}), memory_limit_mb
        )
        self._device_name = device_name
        self._patience = patience or Patience()
        # One at a time, and in none of the threads that the loop's other work waits for: with
        # the store away, every session that starts would hold one of them for seconds.
        self._preparer = ThreadPoolExecutor(1, thread_name_prefix="device store")
        self._prepared = False

    def provision(self, ref: SessionRef) -> None:
        """Check that the store answers; a device comes with its pairing."""
        self._spool_of(ref)
        store.check(self._dsn)

    def purge(self, ref: SessionRef) -> None:
        """Delete the device with its keys, and what this machine's spool holds."""
        store.forget(self._dsn, ref.session_id)
        shutil.rmtree(self._spool_of(ref), ignore_errors=True)

    async def connect(self, ref: SessionRef, sink: EventSink) -> NeonizeConnection:
        """Start a host in the background.

        :raises EngineError: neonize is not installed, or the proxy is of no kind it knows.
        """
        if find_spec("neonize") is None:
            raise EngineError(
                "The engine neonize is not installed: pip install -r requirements-neonize.txt",
                code="engine_missing",
            )
        if ref.proxy and urlsplit(ref.proxy).scheme not in _PROXIES:
            known = ", ".join(sorted(_PROXIES))
            raise EngineError(f"The proxy must be one of {known}.", code="proxy_down")
        start = {
            "session_id": ref.session_id,
            "epoch": ref.epoch,
            "dsn": self._dsn,
            "spool": str(self._spool_of(ref)),
            "device_name": ref.device_name or self._device_name,
            "proxy": ref.proxy,
        }
        return NeonizeConnection(
            ref,
            sink,
            command=self._command,
            start=start,
            patience=self._patience,
            prepare=self._prepare,
        )

    async def _prepare(self) -> None:
        if not self._prepared:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._preparer, self._prepare_once)

    def _prepare_once(self) -> None:
        if not self._prepared:
            store.prepare(self._dsn, self._migrate)
            self._prepared = True

    def _migrate(self) -> None:
        try:
            subprocess.run(  # noqa: S603 (our own program)
                [*self._command.command, "--prepare"],
                env=self._command.full_environment(),
                input=f"{self._dsn}\n".encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_PREPARE_SECONDS,
                check=False,  # the tables say whether it worked
            )
        except (OSError, subprocess.TimeoutExpired):
            raise EngineError("The engine's host did not start.", retryable=True) from None

    def _spool_of(self, ref: SessionRef) -> Path:
        if not _SESSION_ID.fullmatch(ref.session_id):
            raise EngineError("This is not a session's id.")
        return self._spool_dir / ref.session_id
