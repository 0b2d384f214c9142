"""Why WhatsApp or an engine refuses a session, and what follows. Plain: no rows.

The numbers are WhatsApp's own, as whatsmeow names them (`ConnectFailureReason`,
`TempBanReason`); the words are ours.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sessions_app.states import SessionStatus


class Retry(StrEnum):
    """What the runner does by itself."""

    SOON = "soon"  # with growing, jittered waits
    COOL_DOWN = "cool_down"  # after 5, 15 and then 60 minutes
    AT_END = "at_end"  # when the ban or restriction ends
    NEVER = "never"  # a person has to act


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason. `code` is stable and public; `sentence` is for the session's owner."""

    code: str
    status: SessionStatus
    retry: Retry
    sentence: str
    alerts_staff: bool = False


def _logged_out(code: str, sentence: str) -> Failure:
    return Failure(code, SessionStatus.LOGGED_OUT, Retry.NEVER, sentence)


def _unpaired(code: str, sentence: str) -> Failure:
    return Failure(code, SessionStatus.PAIRING_EXPIRED, Retry.NEVER, sentence)


def _passing(code: str, sentence: str) -> Failure:
    return Failure(code, SessionStatus.DISCONNECTED, Retry.SOON, sentence)


def _cooling(code: str, sentence: str) -> Failure:
    return Failure(
        code, SessionStatus.DISCONNECTED, Retry.COOL_DOWN, sentence, alerts_staff=True
    )


def _fault(code: str, sentence: str) -> Failure:
    return Failure(code, SessionStatus.FAULTED, Retry.NEVER, sentence, alerts_staff=True)


FAILURES: dict[str, Failure] = {
    "401": _logged_out("logged_out", "The phone removed this device. Scan a new code."),
    "402": Failure(
        "temporary_ban",
        SessionStatus.BANNED,
        Retry.AT_END,
        "WhatsApp refuses this account for a while.",
        alerts_staff=True,
    ),
    "403": _logged_out(
        "main_device_gone",
        "WhatsApp locked the account, or its phone is gone. Open WhatsApp on the phone, then "
        "scan a new code.",
    ),
    "405": _fault(
        "client_outdated",
        "WhatsApp no longer takes this version of the engine. We have been told; it needs an "
        "upgrade.",
    ),
    "406": Failure(
        "banned",
        SessionStatus.BANNED,
        Retry.NEVER,
        "WhatsApp banned this account. Ask for a review in WhatsApp on the phone.",
        alerts_staff=True,
    ),
    "409": _fault("bad_user_agent", "WhatsApp refused the engine's description of itself."),
    "413": _cooling("cat_expired", "A certificate of WhatsApp expired; it is fetched again."),
    "414": _cooling("cat_invalid", "WhatsApp refused a certificate; it is fetched again."),
    "415": _cooling("cat_missing", "WhatsApp misses a certificate; it is fetched again."),
    "418": _fault("client_unknown", "WhatsApp does not know this kind of client."),
    "463": Failure(
        "new_chats_refused",
        SessionStatus.RESTRICTED,
        Retry.AT_END,
        "WhatsApp lets this account answer, but write to nobody new for a while.",
        alerts_staff=True,
    ),
    "500": _passing("server_error", "WhatsApp's server failed; we connect again."),
    "501": _passing("experimental", "WhatsApp's server is not ready; we connect again."),
    "503": _passing("service_unavailable", "WhatsApp is not available; we connect again."),
    "515": _passing("restart_required", "WhatsApp asked for a new connection."),
    "replaced": Failure(
        "replaced",
        SessionStatus.REPLACED,
        Retry.NEVER,
        "Another client connected with this device. Close it there, then start again.",
        alerts_staff=True,
    ),
    "pairing_timed_out": _unpaired("pairing_timed_out", "Nobody scanned the code in time."),
    "pairing_failed": _unpaired("pairing_failed", "WhatsApp did not link the device."),
    "logout_requested": _logged_out("logout_requested", "The device was unlinked as asked."),
    "not_answering": Failure(
        "not_answering",
        SessionStatus.DEGRADED,
        Retry.SOON,
        "WhatsApp does not answer on the open connection; it is being checked.",
    ),
    "host_crashed": _fault(
        "crash_loop", "The engine of this session ended again and again. Start it once more."
    ),
    "silent": _passing("silent", "The connection did not answer; we connect again."),
    "silent_too_often": _fault(
        "silent_too_often",
        "The connection fell silent more than three times in an hour. Check the phone's "
        "internet connection, then start the session.",
    ),
    "unreachable": _passing("unreachable", "WhatsApp can't be reached; we connect again."),
    "proxy_down": _cooling("proxy_down", "The session's proxy does not answer; we try again."),
    "proxy_disabled": _fault(
        "proxy_disabled", "The session's proxy was taken out of use. It needs another one."
    ),
    "gateway_down": _passing("gateway_down", "The session's gateway does not answer."),
    "gateway_quarantined": _fault(
        "gateway_quarantined", "The session's gateway was taken out of use by our staff."
    ),
    "gateway_lost": _logged_out(
        "gateway_lost",
        "The session's gateway lost its device. Start the session and scan a new code.",
    ),
    "passkey_unsupported": _fault(
        "passkey_unsupported",
        "WhatsApp links this account by passkey only, which the session's engine can't do.",
    ),
    "engine_missing": _fault("engine_missing", "The session's engine is not installed here."),
    "engine_error": _fault(
        "engine_error", "The engine could not connect. Start it once more; our staff see why."
    ),
}
UNKNOWN_CODE = _cooling("unknown_code", "WhatsApp refused the connection; we try again.")
# What a session's `reason_code` can be, and those of them that somebody of ours must see.
NAMES = frozenset({known.code for known in FAILURES.values()} | {UNKNOWN_CODE.code})
ALERTING = frozenset(
    known.code for known in (*FAILURES.values(), UNKNOWN_CODE) if known.alerts_staff
)

# A ban or restriction of which WhatsApp did not say how long it lasts is tried again then.
UNKNOWN_TERM = timedelta(hours=1)

# Minutes between attempts under Retry.COOL_DOWN; the last one repeats. Faster loops are what
# locked accounts were reported for.
COOL_DOWN_MINUTES = (5, 15, 60)

# whatsmeow's TempBanReason.
BAN_REASONS: dict[int, str] = {
    101: "it wrote to too many people who did not have it in their contacts",
    102: "too many people blocked it",
    103: "it made too many groups with people who did not have it in their contacts",
    104: "it sent the same message to too many people",
    106: "it sent too many broadcasts",
}


def failure(code: str) -> Failure:
    """Return what a refusal means; one that nobody knows is tried again, slowly."""
    return FAILURES.get(code, UNKNOWN_CODE)


def ban_sentence(code: int) -> str:
    """Return why WhatsApp banned an account for a while, as a sentence."""
    why = BAN_REASONS.get(code)
    return f"WhatsApp refuses this account for a while: {why or f'code {code}'}."
