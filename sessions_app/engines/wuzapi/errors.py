"""What a gateway's refusals mean. It answers nearly everything with 500 and a text."""

from __future__ import annotations

import re
from typing import Any

from sessions_app.engines.base import EngineError
from sessions_app.engines.wuzapi import json as read

NO_SESSION = "no_session"
NOT_CONNECTED = "not_connected"
ALREADY_CONNECTED = "already_connected"
ALREADY_PAIRED = "already_paired"
UNAUTHORIZED = "unauthorized"
MISSING_ROUTE = "missing_route"
USER_MISSING = "user_missing"
DUPLICATE = "duplicate"
RESTRICTED = "463"  # WhatsApp's number: no new chats for a while
MEDIA_GONE = "media_gone"
GATEWAY_DOWN = "gateway_down"
ANSWER_TOO_BIG = "answer_too_big"

# A stream that is not up: what these say is no failure to who wants it down.
STREAM_IS_DOWN = frozenset({NO_SESSION, NOT_CONNECTED})


class GatewayAway(EngineError):
    """The gateway does not answer, or something in front of it says so."""

    def __init__(self, message: str = "The gateway does not answer.") -> None:
        super().__init__(message, retryable=True, code=GATEWAY_DOWN)


# What the gateway's text contains in lower case (the first that fits), our code, whether asking
# again may help, and what we say. The text itself is never shown: it quotes URLs and proxies.
_BY_TEXT = (
    ("no session", NO_SESSION, True, "The gateway does not hold the session open."),
    ("already connected", ALREADY_CONNECTED, False, "The session is connected already."),
    ("already logged in", ALREADY_PAIRED, False, "The session is paired already."),
    ("already loggedin", ALREADY_PAIRED, False, "The session is paired already."),
    ("already paired", ALREADY_PAIRED, False, "The session is paired already."),
    ("not connected", NOT_CONNECTED, True, "The session is not connected."),
    ("not logged in", NOT_CONNECTED, True, "The session is not connected."),
    ("failed to connect", NOT_CONNECTED, True, "The gateway could not connect the session."),
    ("already exists", DUPLICATE, False, "The gateway has this session already."),
    ("user not found", USER_MISSING, False, "The gateway does not know the session."),
    ("unauthorized", UNAUTHORIZED, False, "The gateway refused our token."),
    ("timed out", "timeout", True, "WhatsApp did not answer in time."),
    ("deadline exceeded", "timeout", True, "WhatsApp did not answer in time."),
    ("rate-overlimit", "429", True, "WhatsApp wants us to slow down."),
    ("database error", "database", True, "The gateway's database failed."),
    ("download failed with status code 4", MEDIA_GONE, False, "WhatsApp has it no longer."),
    ("error sending message", "send_refused", False, "WhatsApp refused the message."),
)
_BY_STATUS = {
    401: (UNAUTHORIZED, False, "The gateway refused our token."),
    404: (MISSING_ROUTE, False, "The gateway is too old for this."),
    405: (MISSING_ROUTE, False, "The gateway is too old for this."),
    409: (DUPLICATE, False, "The gateway has this session already."),
    429: ("429", True, "The gateway wants us to slow down."),
}
# whatsmeow: "server returned error 463"; the same number comes in other sentences, too.
_WHATSAPP_ERROR = re.compile(r"\berror:? (4\d\d|5\d\d)\b|\b(463)\b")
_AWAY = frozenset({502, 503, 504})


def refusal(status: int, parsed: Any) -> EngineError | None:
    """Return the error that an answer is; None when it is a good one."""
    if status in _AWAY:
        return GatewayAway()
    if status < 300 and not _says_no(parsed):
        return None
    if 300 <= status < 400:
        return EngineError("The gateway sent us elsewhere, which we don't follow.")
    return _by_text(_text_of(parsed)) or _by_status(status)


def _says_no(parsed: Any) -> bool:
    return isinstance(parsed, dict) and read.pick(parsed, "success") is False


def _text_of(parsed: Any) -> str:
    said = [read.text(parsed, "error"), read.text(parsed, "details")]
    return " ".join(said).lower()


def _by_text(said: str) -> EngineError | None:
    if found := _WHATSAPP_ERROR.search(said):
        code = found[1] or found[2]
        if code == RESTRICTED:
            return EngineError("WhatsApp lets the account write to nobody new.", code=code)
        retryable = code.startswith("5") or code == "429"
        return EngineError(
            f"WhatsApp refused the message (error {code}).", retryable=retryable, code=code
        )
    for part, code, retryable, sentence in _BY_TEXT:
        if part in said:
            return EngineError(sentence, retryable=retryable, code=code)
    return None


def _by_status(status: int) -> EngineError:
    if status in _BY_STATUS:
        code, retryable, sentence = _BY_STATUS[status]
        return EngineError(sentence, retryable=retryable, code=code)
    return EngineError(
        f"The gateway refused it (HTTP {status}).", retryable=status >= 500, code=str(status)
    )
