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
    PASSKEY_REQUIRED = "PASSKEY_REQUIRED", "Waiting for a passkey"
    PASSKEY_CONFIRMATION = "PASSKEY_CONFIRMATION", "Waiting for a confirmation"
    CONNECTED = "CONNECTED", "Connected"
    RESTRICTED = "RESTRICTED", "Connected, no new chats"
    DEGRADED = "DEGRADED", "Connected, but silent"
    DISCONNECTED = "DISCONNECTED", "Reconnecting"
    STOPPED = "STOPPED", "Stopped"
    PAIRING_EXPIRED = "PAIRING_EXPIRED", "Nobody scanned"
    LOGGED_OUT = "LOGGED_OUT", "Logged out"
    REPLACED = "REPLACED", "Used elsewhere"
    BANNED = "BANNED", "Banned for a while"
    FAULTED = "FAULTED", "Failed"
    DELETED = "DELETED", "Deleted"


S = SessionStatus
# Messages go in and out.
OPEN = frozenset({S.CONNECTED, S.RESTRICTED})
# Somebody has to do something to link a device.
LINKING = frozenset({S.PAIRING, S.PASSKEY_REQUIRED, S.PASSKEY_CONFIRMATION})
# The runner holds a session in one of these; from the others only a start leads back.
LIVE = frozenset({S.STARTING, S.DEGRADED, S.DISCONNECTED}) | LINKING | OPEN
_REST = frozenset({S.STOPPED, S.PAIRING_EXPIRED, S.LOGGED_OUT, S.REPLACED, S.BANNED, S.FAULTED})
_ENDS = _REST | {S.DELETED}

TRANSITIONS: dict[SessionStatus, frozenset[SessionStatus]] = {
    S.CREATED: frozenset({S.STARTING, S.STOPPED, S.FAULTED, S.DELETED}),
    S.STARTING: frozenset({S.DISCONNECTED}) | LINKING | OPEN | _ENDS,
    S.PAIRING: frozenset({S.STARTING, S.CONNECTED, S.DISCONNECTED})
    | (LINKING - {S.PAIRING})
    | _ENDS,
    S.PASSKEY_REQUIRED: frozenset(
        {S.STARTING, S.PAIRING, S.PASSKEY_CONFIRMATION, S.CONNECTED, S.DISCONNECTED}
    )
    | _ENDS,
    S.PASSKEY_CONFIRMATION: frozenset({S.STARTING, S.PAIRING, S.CONNECTED, S.DISCONNECTED})
    | _ENDS,
    S.CONNECTED: frozenset({S.STARTING, S.RESTRICTED, S.DEGRADED, S.DISCONNECTED}) | _ENDS,
    S.RESTRICTED: frozenset({S.STARTING, S.CONNECTED, S.DEGRADED, S.DISCONNECTED}) | _ENDS,
    S.DEGRADED: frozenset({S.STARTING, S.DISCONNECTED}) | OPEN | _ENDS,
    S.DISCONNECTED: frozenset({S.STARTING, S.DEGRADED}) | LINKING | OPEN | _ENDS,
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
    S.PASSKEY_REQUIRED: "WhatsApp asks for this account's passkey. Answer with it to go on.",
    S.PASSKEY_CONFIRMATION: "Compare the code with the one on the phone, then confirm it.",
    S.CONNECTED: "Messages go in and out.",
    S.RESTRICTED: "WhatsApp lets this account answer, but write to nobody new for a while.",
    S.DEGRADED: "WhatsApp does not answer; the connection is being checked. Messages wait.",
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
    PAIR_CODE = "PAIR_CODE", "Ask for a pairing code"
    ANSWER_PASSKEY = "ANSWER_PASSKEY", "Answer the passkey challenge"
    CONFIRM_PASSKEY = "CONFIRM_PASSKEY", "Confirm the passkey's code"
    CHECK_NUMBERS = "CHECK_NUMBERS", "Look phone numbers up"
    LOGOUT = "LOGOUT", "Unlink the device"


class CommandState(TextChoices):
    """How far a command is.

    RUNNING: handed to an engine that can't tell a repetition; what a crash leaves there is
    UNKNOWN: handed over, but nobody knows whether it happened. Staff or the customer decide.
    """

    QUEUED = "QUEUED", "Queued"
    RUNNING = "RUNNING", "Handed over"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Failed"
    UNKNOWN = "UNKNOWN", "Outcome unknown"
    EXPIRED = "EXPIRED", "Expired"


class ChallengeKind(TextChoices):
    """How a device is being linked."""

    QR = "QR", "QR code"
    CODE = "CODE", "Code to type"
    PASSKEY = "PASSKEY", "Passkey"
    CONFIRMATION = "CONFIRMATION", "Code to compare"


class GatewayState(TextChoices):
    """What staff want of a gateway."""

    ACTIVE = "ACTIVE", "Active"
    DRAINING = "DRAINING", "Draining"  # takes no new sessions
    QUARANTINED = "QUARANTINED", "Quarantined"  # nothing is sent to it, or believed from it


class ProxyState(TextChoices):
    """What staff want of a proxy."""

    ACTIVE = "ACTIVE", "Active"
    DISABLED = "DISABLED", "Disabled"


class Health(TextChoices):
    """What the last check found."""

    UNKNOWN = "UNKNOWN", "Not checked yet"
    UP = "UP", "Up"
    DOWN = "DOWN", "Down"
