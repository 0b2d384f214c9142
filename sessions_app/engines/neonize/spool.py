"""What a host heard from WhatsApp and no database has yet, on disk.

WhatsApp sends a message once: whoever got it has it, or nobody has. So each entry is on disk
before the host does anything else with it, and leaves when the runner said that its database
has it. An entry that is added while the spool is full waits, and WhatsApp's stream behind it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import threading
import time
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

LIMIT_BYTES = 64 * 2**20
_SEGMENT_BYTES = 4 * 2**20  # a file is deleted whole, when everything in it was acknowledged
_HEADER = struct.Struct(">IIQI")  # length, checksum, number, code
_ACKED = struct.Struct(">Q")
_LOCK_SECONDS = 5.0  # a killed host lets go at once
_SUFFIX = ".spool"


class SpoolBusy(Exception):
    """Another process has this spool open."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of WhatsApp, as it came."""

    seq: int
    code: int
    data: bytes = field(repr=False)


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int = 0
    last_seq: int = 0


class Spool:
    """Numbered entries in a folder that belongs to one session. Safe to use from any thread."""

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._changed = threading.Condition()
        self._segments: deque[_Segment] = deque()
        self._file: FileIO | None = None
        self._seq = self._acked = 0
        self._closed = False

    def open(self) -> list[Entry]:
        """Take the folder; return what an earlier host left unacknowledged, oldest first.

        :raises SpoolBusy: another process has it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync_folder(self._folder.parent)
        self._lock = (self._folder / "lock").open("wb")
        self._take_lock()
        acked = self._folder / "acked"
        self._marks = acked.open("r+b" if acked.exists() else "w+b", buffering=0)
        mark = self._marks.read(_ACKED.size)
        self._acked = _ACKED.unpack(mark)[0] if len(mark) == _ACKED.size else 0
        self._seq = self._acked
        left = [
            entry
            for path in sorted(self._folder.glob(f"*{_SUFFIX}"))
            for entry in self._read(path)
            if entry.seq > self._acked
        ]
        self._drop_acknowledged()
        return left

    def append(self, code: int, data: bytes) -> Entry:
        """Write an entry to disk; wait while the spool is full.

        :raises OSError: the disk did not take it; trying again does no harm.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._size < self._limit)
            entry = Entry(self._seq + 1, code, data)
            record = _pack(entry)
            _write(self._current().fileno(), record, self._segments[-1].size)
            self._seq = entry.seq
            self._segments[-1].size += len(record)
            self._segments[-1].last_seq = entry.seq
            return entry

    def ack(self, seq: int) -> None:
        """Forget everything up to this number: it is in the database."""
        with self._changed:
            if seq <= self._acked:
                return
            self._acked = min(seq, self._seq)
            # Neither synced nor insisted on: a mark that is lost only repeats entries.
            with contextlib.suppress(OSError):
                os.pwrite(self._marks.fileno(), _ACKED.pack(self._acked), 0)
            self._drop_acknowledged()
            self._changed.notify_all()

    def close(self) -> None:
        """Let go of the folder and of whoever waits for room."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for file in (self._file, self._marks, self._lock):
                if file is not None:
                    file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _size(self) -> int:
        return sum(segment.size for segment in self._segments)

    def _take_lock(self) -> None:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SpoolBusy("Another host has this session's spool.") from None
                time.sleep(0.05)
            else:
                return

    def _current(self) -> FileIO:
        if self._file is None or self._segments[-1].size >= _SEGMENT_BYTES:
            path = self._folder / f"{self._seq + 1:020d}{_SUFFIX}"
            path.touch(mode=0o600)
            _sync_folder(self._folder)
            full, self._file = self._file, path.open("wb", buffering=0)
            self._segments.append(_Segment(path))
            if full is not None:
                full.close()
        return self._file

    def _drop_acknowledged(self) -> None:
        while self._segments and self._segments[0].last_seq <= self._acked:
            if len(self._segments) == 1 and self._file is not None:
                self._file.truncate(0)  # cheaper than a new file after every message
                self._segments[0].size = 0
                return
            self._segments.popleft().path.unlink(missing_ok=True)

    def _read(self, path: Path) -> list[Entry]:
        """Read a file up to its end, or to a record that a crash tore.

        A power cut may leave zeros there: a record without data and number, by their looks.
        """
        data = path.read_bytes()
        entries = []
        segment = _Segment(path)
        while (entry := _unpack(data, segment.size)) and entry.seq > segment.last_seq:
            entries.append(entry)
            segment.size += _HEADER.size + len(entry.data)
            segment.last_seq = entry.seq
            self._seq = max(self._seq, entry.seq)
        if entries:
            self._segments.append(segment)
        else:  # the next entry's file will have this name
            path.unlink()
        return entries


def _pack(entry: Entry) -> bytes:
    check = zlib.crc32(entry.data)
    return _HEADER.pack(len(entry.data), check, entry.seq, entry.code) + entry.data


def _write(descriptor: int, record: bytes, start: int) -> None:
    """Write a record and wait for the disk; one that failed halfway is written over."""
    rest = memoryview(record)
    while rest:
        written = os.pwrite(descriptor, rest, start)
        rest, start = rest[written:], start + written
    os.fdatasync(descriptor)


def _unpack(data: bytes, start: int) -> Entry | None:
    body = start + _HEADER.size
    if body > len(data):
        return None
    length, check, seq, code = _HEADER.unpack_from(data, start)
    payload = data[body : body + length]
    if len(payload) != length or zlib.crc32(payload) != check:
        return None
    return Entry(seq, code, payload)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
