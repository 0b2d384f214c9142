"""Where a stream of the sandbox can be."""

from enum import StrEnum


class Phase(StrEnum):
    """Where a stream is; `ENDED` is final."""

    PAIRING = "pairing"
    PASSKEY = "waiting for a passkey"
    CONFIRMING = "waiting for a confirmation"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    ENDED = "ended"
