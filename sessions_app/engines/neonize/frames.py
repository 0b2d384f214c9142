"""The wire between a runner and the host of one session: JSON frames, length first.

The runner sends `{start}`, `{id, op, args}`, `{ack}` and `{ping}`. The host answers with
`{id, ok}` or `{id, err}` and `{pong}`; it tells `{unready}` when it lacks what it needs on our
side, `{failed}` when it can't connect, and for an event `{seq, type, data, more}`.

An ack means everything up to its number; events with the number 0 need none. A frame with
`more` is followed by another one of the same number; a `type` of "" says that WhatsApp's event
held nothing for us.
"""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

# Above the largest file in base64; a longer frame is a broken stream, not a message.
MAX_FRAME_BYTES = 96 * 2**20
_LENGTH = struct.Struct(">I")

Frame = dict[str, Any]


class BrokenFrame(Exception):
    """The other side wrote something that is no frame; nothing after it can be read."""


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame.

    :raises BrokenFrame: it is too long to be read again.
    """
    body = json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MAX_FRAME_BYTES:
        raise BrokenFrame(f"A frame of {len(body)} bytes is too long.")
    return _LENGTH.pack(len(body)) + body


async def read(reader: asyncio.StreamReader) -> Frame | None:
    """Wait for the next frame; None when the other side is gone.

    :raises BrokenFrame: what came is no frame.
    """
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > MAX_FRAME_BYTES:
            raise BrokenFrame(f"A frame of {length} bytes is too long.")
        frame = json.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except ValueError:  # without its text, which may quote a secret
        raise BrokenFrame("A frame is not JSON.") from None
    if not isinstance(frame, dict):
        raise BrokenFrame("A frame is not an object.")
    return frame
