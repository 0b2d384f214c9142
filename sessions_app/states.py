"""The life of a session as a table. Plain: no rows."""

from django.db.models import TextChoices


class DesiredState(TextChoices):
    """What the tenant wants."""

    RUNNING = "RUNNING", "Running"
    STOPPED = "STOPPED", "Stopped"
    DELETED = "DELETED", "Deleted"


class Hold(TextChoices):
    """Why the service keeps a session from running; what the tenant wants stays recorded."""

    SUSPENDED = "SUSPENDED", "The workspace is suspended"
    EXPIRED = "EXPIRED", "No plan runs"


class SessionStatus(TextChoices):
    """What is: observed, never assumed. Written only by `services.lifecycle`."""

    CREATED = "CREATED", "Created"
    STARTING = "STARTING", "Starting"
    PAIRING = "PAIRING", "Waiting for a scan"
    CONNECTED = "CONNECTED", "Connected"
    DISCONNECTED = "DISCONNECTED", "Reconnecting"
    STOPPED = "STOPPED", "Stopped"
    PAIRING_EXPIRED = "PAIRING_EXPIRED", "Nobody scanned"
    LOGGED_OUT = "LOGGED_OUT", "Logged out"
    REPLACED = "REPLACED", "Used elsewhere"
    BANNED = "BANNED", "Banned for a while"
    FAULTED = "FAULTED", "Failed"
    DELETED = "DELETED", "Deleted"


S = SessionStatus
# The runner holds a session in one of these; from the others only a start leads back.
LIVE = frozenset({S.STARTING, S.PAIRING, S.CONNECTED, S.DISCONNECTED})
_REST = frozenset({S.STOPPED, S.PAIRING_EXPIRED, S.LOGGED_OUT, S.REPLACED, S.BANNED, S.FAULTED})
_ENDS = _REST | {S.DELETED}

TRANSITIONS: dict[SessionStatus, frozenset[SessionStatus]] = {
    S.CREATED: frozenset({S.STARTING, S.STOPPED, S.FAULTED, S.DELETED}),
    S.STARTING: frozenset({S.PAIRING, S.CONNECTED, S.DISCONNECTED}) | _ENDS,
    S.PAIRING: frozenset({S.STARTING, S.CONNECTED, S.DISCONNECTED}) | _ENDS,
    S.CONNECTED: frozenset({S.STARTING, S.DISCONNECTED}) | _ENDS,
    S.DISCONNECTED: frozenset({S.STARTING, S.PAIRING, S.CONNECTED}) | _ENDS,
    S.STOPPED: frozenset({S.STARTING, S.LOGGED_OUT, S.DELETED}),
    S.PAIRING_EXPIRED: frozenset({S.STARTING, S.STOPPED, S.DELETED}),
    S.LOGGED_OUT: frozenset({S.STARTING, S.STOPPED, S.DELETED}),
    S.REPLACED: frozenset({S.STARTING, S.STOPPED, S.DELETED}),
    S.BANNED: frozenset({S.STARTING, S.STOPPED, S.LOGGED_OUT, S.DELETED}),
    S.FAULTED: frozenset({S.STARTING, S.STOPPED, S.DELETED}),
    S.DELETED: frozenset(),
}

# What a person reads next to the status, and what to do about it.
ADVICE: dict[SessionStatus, str] = {
    S.CREATED: "The session is being prepared.",
    S.STARTING: "The session is connecting.",
    S.PAIRING: "Scan the QR code with WhatsApp: Settings, Linked devices, Link a device.",
    S.CONNECTED: "Messages go in and out.",
    S.DISCONNECTED: "The connection broke; it is being restored. Messages wait.",
    S.STOPPED: "Start the session to connect it; its device stays linked.",
    S.PAIRING_EXPIRED: "Nobody scanned the code in time. Start the session for a new one.",
    S.LOGGED_OUT: "The phone removed this device. Start the session and scan a new code.",
    S.REPLACED: "Another client took this device's place. Close it there, then start again.",
    S.BANNED: "WhatsApp refuses this account for a while. Sending resumes by itself.",
    S.FAULTED: "The session could not be connected. Start it again; see the reason.",
    S.DELETED: "The session is gone.",
}


# The same for a hold, which goes before the status.
HOLD_ADVICE: dict[Hold, str] = {
    Hold.SUSPENDED: "The workspace is suspended. The session goes on when it is resumed.",
    Hold.EXPIRED: "No plan runs. The session goes on by itself when the plan is renewed.",
}


def advice_for(status: str, hold: str) -> str:
    """Return what a person should do about a session in this status, held or not."""
    return HOLD_ADVICE[Hold(hold)] if hold else ADVICE[SessionStatus(status)]


def allows(old: SessionStatus, new: SessionStatus) -> bool:
    """Say whether a session may go from `old` to `new`."""
    return new in TRANSITIONS[old]


class CommandKind(TextChoices):
    """What a runner can be told to do."""

    SEND = "SEND", "Send a message"
    FETCH_CONTACTS = "FETCH_CONTACTS", "Fetch contacts"
    ACT = "ACT", "Engine-specific action"
    RECONNECT = "RECONNECT", "Reconnect"


class CommandState(TextChoices):
    """How far a command is. UNKNOWN: handed over, but nobody knows whether it happened."""

    QUEUED = "QUEUED", "Queued"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Failed"
    UNKNOWN = "UNKNOWN", "Outcome unknown"
