"""Points a loaded neonize library at the mock server. Only this process's memory changes.

The library carries WhatsApp's address and the root key of WhatsApp's certificates as constants.
Both are overwritten in the loaded image by values of the same length.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from dataclasses import dataclass
from pathlib import Path

ADDRESS = b"wss://web.whatsapp.com/ws/chat"  # whatsmeow, socket/constants.go: URL
ROOT_KEY = bytes.fromhex(  # whatsmeow, handshake.go: WACertPubKey
    "142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b"
)
PROTECTIONS = {"r": mmap.PROT_READ, "w": mmap.PROT_WRITE, "x": mmap.PROT_EXEC}


class ConstantNotFound(Exception):
    """The library does not hold the constant exactly once: neonize was upgraded or damaged."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A stretch of the library's file, as it lies in memory."""

    start: int
    end: int
    offset: int
    protection: int

    @classmethod
    def parse(cls, line: str) -> Mapping:
        span, modes, offset, *_ = line.split()
        start, end = (int(one, 16) for one in span.split("-"))
        protection = sum(bit for mode, bit in PROTECTIONS.items() if mode in modes)
        return cls(start, end, int(offset, 16), protection)

    def address_of(self, position: int) -> int | None:
        """Return where the file's byte at `position` lies, if it is in this stretch."""
        address = self.start + position - self.offset
        return address if self.start <= address < self.end else None


def redirect_neonize() -> None:
    """Point this process's neonize at the server that the environment names."""
    import neonize  # only now: the library's runtime stays in the process for good
    from neonize import _binder  # noqa: F401 (loads the library)
    from neonize.utils.platform import generated_name

    library = Path(neonize.__file__).with_name(generated_name()).resolve()
    port = int(os.environ["ORSTA_MOCK_WHATSAPP_PORT"])
    redirect(library, port, bytes.fromhex(os.environ["ORSTA_MOCK_WHATSAPP_ROOT"]))


def redirect(library: Path, port: int, root_key: bytes) -> None:
    """Make the library connect to this port, and trust this root.

    :param library: the file from which this process has loaded it.
    :raises ConstantNotFound: when a constant is not there exactly once.
    """
    address = f"ws://127.0.0.1:{port}/ws/chat?".encode().ljust(len(ADDRESS), b"x")
    image = library.read_bytes()
    mappings = _mappings(library)
    places = [_locate(image, mappings, old) for old in (ADDRESS, ROOT_KEY)]
    _overwrite(places[0], ADDRESS, address)
    _overwrite(places[1], ROOT_KEY, root_key)


def _mappings(library: Path) -> list[Mapping]:
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [Mapping.parse(line) for line in lines if line.endswith(str(library))]


def _locate(image: bytes, mappings: list[Mapping], constant: bytes) -> tuple[int, Mapping]:
    if image.count(constant) != 1:
        raise ConstantNotFound(f"{image.count(constant)} times: {constant!r}")
    position = image.index(constant)
    found = [(one.address_of(position), one) for one in mappings]
    places = [(address, mapping) for address, mapping in found if address is not None]
    if len(places) != 1:
        raise ConstantNotFound(f"mapped {len(places)} times: {constant!r}")
    return places[0]


def _overwrite(place: tuple[int, Mapping], old: bytes, new: bytes) -> None:
    address, mapping = place
    if ctypes.string_at(address, len(old)) != old or len(old) != len(new):
        raise ConstantNotFound(f"the memory holds something else: {old!r}")
    page = address & ~(mmap.PAGESIZE - 1)
    length = address + len(old) - page
    _protect(page, length, mapping.protection | mmap.PROT_WRITE)
    ctypes.memmove(address, new, len(new))
    _protect(page, length, mapping.protection)


def _protect(page: int, length: int, protection: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(length), protection) != 0:
        raise OSError(ctypes.get_errno(), "mprotect failed")
