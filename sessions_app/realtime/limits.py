"""How much one client may send."""

from orsta.core import errors
from sessions_app.realtime.protocol import CloseCode

MAX_FRAME_BYTES = 256 * 1024
FRAMES_PER_SECOND = 60
BURST = 120  # frames at once, after a quiet moment


class TooMuch(errors.DomainError):
    """A frame that ends the connection."""

    close_code: CloseCode


class FrameTooBig(TooMuch, errors.Invalid):
    """The frame is larger than allowed."""

    code = "frame_too_big"
    close_code = CloseCode.TOO_BIG


class TooManyFrames(TooMuch, errors.LimitReached):
    """The client sends faster than allowed."""

    code = "too_many_frames"
    close_code = CloseCode.FLOOD


class Allowance:
    """A token bucket: `FRAMES_PER_SECOND` on average, `BURST` at once.

    :param at: seconds of a clock that never goes back.
    """

    def __init__(self, *, at: float) -> None:
        self._left = float(BURST)
        self._at = at

    def spend(self, *, at: float) -> bool:
        """Take one frame's worth; False when nothing is left."""
        self._left = min(BURST, self._left + (at - self._at) * FRAMES_PER_SECOND)
        self._at = at
        if self._left < 1:
            return False
        self._left -= 1
        return True


def check(text: str, allowance: Allowance, *, at: float) -> None:
    """Accept a frame, or end the connection of a client that goes too far.

    :raises TooMuch: the frame is too big, or one too many.
    """
    if len(text) > MAX_FRAME_BYTES or len(text.encode(errors="replace")) > MAX_FRAME_BYTES:
        raise FrameTooBig(f"A frame may hold at most {MAX_FRAME_BYTES} bytes.")
    if not allowance.spend(at=at):
        raise TooManyFrames(f"Send at most {FRAMES_PER_SECOND} frames a second.")
