"""A session's host, as its runner sees it: started, asked, watched, killed.

Nothing in here loads neonize.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from sessions_app.engines.base import EngineError
from sessions_app.engines.neonize import frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sessions_app.engines.neonize.frames import Frame

HOST_COMMAND = (sys.executable, "-m", "sessions_app.engines.neonize.host")
_ROOT = Path(__file__).resolve().parents[3]
# What a host may know of this process's environment; the rest holds secrets.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_GO_MEMORY_SHARE = 0.5  # of the limit, before Go collects garbage harder; the rest is Python
_WORDS_BYTES = 4096  # of what a dying host printed
_LAST_WORDS = re.compile(rb"^(?:fatal error|panic|runtime|Host task failed)\b.*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a runner waits for a host, in seconds."""

    ping_every: float = 5.0
    answer: float = 20.0  # to a ping; then the host hangs
    first_sign: float = 60.0  # of WhatsApp, after a host was started
    paired: float = 30.0  # until it is connected after a scan
    reconnect: float = 60.0  # until it is connected again
    first_delay: float = 2.0  # before a new host starts, doubling
    max_delay: float = 300.0
    crash_window: float = 600.0
    crashes: int = 5  # in that window; then a person has to look


@dataclass(frozen=True, slots=True)
class HostCommand:
    """How a host is started."""

    command: Sequence[str] = HOST_COMMAND
    environment: Mapping[str, str] | None = None  # added to what every host gets
    memory_limit_mb: int = 512  # resident

    def full_environment(self) -> dict[str, str]:
        """Return a host's whole environment: Go reads it once, when the process starts."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        go_memory = int(self.memory_limit_mb * _GO_MEMORY_SHARE)
        return {
            **inherited,
            "PYTHONPATH": str(_ROOT),
            "GOMEMLIMIT": f"{go_memory}MiB",
            "NEONIZE_BOT_TAG": "off",  # else texts are marked as written by a bot
            **(self.environment or {}),
        }


class HostGone(EngineError):
    """The host ended before it answered."""


class HostProcess:
    """One running host. `frames` gives its events; None after the last one."""

    def __init__(self, start: HostCommand, patience: Patience) -> None:
        self.frames: asyncio.Queue[Frame | None] = (
            asyncio.Queue()
        )  # the host's window bounds it
        self.ending = ""  # why this side killed it; "" while it lives or when it crashed
        self._patience = patience
        self._memory_bytes = start.memory_limit_mb * 2**20
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._numbers = 0
        self._words = bytearray()
        self._answered_at = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None
        self._channel, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as undo:
            undo.enter_context(self._channel)
            self._process = _spawn(start, theirs.fileno())
            undo.pop_all()
        self._stderr = cast("IO[bytes]", self._process.stderr)

    @property
    def pid(self) -> int:
        """The host's process id, which is its group's, too."""
        return self._process.pid

    async def open(self, start: dict[str, Any]) -> None:
        """Tell the host its session, and watch it from now on."""
        loop = asyncio.get_running_loop()
        reader, self._writer = await asyncio.open_connection(sock=self._channel)
        os.set_blocking(self._stderr.fileno(), False)
        loop.add_reader(self._stderr.fileno(), self._hear_words)
        self._write({"start": start})
        self._tasks = [loop.create_task(self._read(reader)), loop.create_task(self._watch())]

    async def call(self, op: str, args: dict[str, Any], *, seconds: float) -> Any:
        """Ask the host and wait for its answer.

        :raises HostGone: it ended first.
        :raises EngineError: it refused, or did not answer in time.
        """
        if not self._tasks or self._tasks[0].done():
            raise EngineError("The session's host is not running.", retryable=True)
        self._numbers += 1
        number = self._numbers
        answer = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            self._write({"id": number, "op": op, "args": args})
            async with asyncio.timeout(seconds):
                return await answer
        except frames.BrokenFrame:
            raise EngineError("This is more than a host takes at once.") from None
        except TimeoutError:
            raise HostGone(
                "The session's host did not answer in time.", retryable=True
            ) from None
        finally:
            self._answers.pop(number, None)

    def ack(self, seq: int) -> None:
        """Tell the host that everything up to this number is in the database."""
        self._write({"ack": seq})

    def kill(self, reason: str) -> None:
        """End the host and whatever it started; safe to repeat."""
        self.ending = self.ending or reason
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Kill the host if it lives, and let go of it; safe to repeat, also half done."""
        self.kill("closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._stop_listening()
        await asyncio.to_thread(self._process.wait)  # a killed process is gone in no time
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        self._channel.close()

    def last_words(self) -> str:
        """Return the line with which Go or Python died; everything else stays unseen."""
        found = _LAST_WORDS.search(self._words)
        return found[0].decode(errors="replace")[:200] if found else ""

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while (frame := await frames.read(reader)) is not None:
                self._take(frame)
        except frames.BrokenFrame:
            self.kill("")
        finally:
            self.frames.put_nowait(None)
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(HostGone("The session's host ended.", retryable=True))

    def _take(self, frame: Frame) -> None:
        if "pong" in frame:
            self._answered_at = time.monotonic()
        elif "id" in frame:
            answer = self._answers.get(frame["id"])
            if answer is None or answer.done():
                return
            if "err" in frame:
                failure = frame["err"]
                answer.set_exception(EngineError(failure.pop("message"), **failure))
            else:
                answer.set_result(frame["ok"])
        else:
            self.frames.put_nowait(frame)

    async def _watch(self) -> None:
        """Ping the host, and kill it when it hangs or grows too large."""
        self._answered_at = time.monotonic()
        while True:
            self._numbers += 1
            self._write({"ping": self._numbers})
            await asyncio.sleep(self._patience.ping_every)
            if time.monotonic() - self._answered_at > self._patience.answer:
                self.kill("it hung")
            if self._resident_bytes() > self._memory_bytes:
                self.kill("it grew too large")

    def _resident_bytes(self) -> int:
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError):
            return 0  # it is gone
        return int(pages) * resource.getpagesize()

    def _hear_words(self) -> None:
        try:
            heard = os.read(self._stderr.fileno(), _WORDS_BYTES)
        except BlockingIOError:
            return
        if not heard:
            self._stop_listening()
        self._words += heard
        # The reason is the first of Go's last words, thousands of lines before their end.
        if (found := _LAST_WORDS.search(self._words)) is not None:
            self._words = self._words[found.start() :][:_WORDS_BYTES]
        else:
            del self._words[:-_WORDS_BYTES]

    def _stop_listening(self) -> None:
        if not self._stderr.closed:
            asyncio.get_running_loop().remove_reader(self._stderr.fileno())
            self._stderr.close()

    def _write(self, frame: Frame) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(frames.encode(frame))


def _spawn(start: HostCommand, descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (our own program)
        [*start.command, str(descriptor), str(os.getpid()), str(start.memory_limit_mb)],
        env=start.full_environment(),
        pass_fds=[descriptor],
        process_group=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
