"""Read and verify what gateways post: JSON, forms, and forms with a file."""

from __future__ import annotations

import hashlib
import hmac
import json
from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl
from uuid import uuid4

from sessions_app.engines.base import EngineError
from sessions_app.engines.webhooks import WebhookCall
from sessions_app.engines.wuzapi import json as read
from sessions_app.engines.wuzapi.status import SURVEY

if TYPE_CHECKING:
    from email.message import Message

    from sessions_app.engines.webhooks import GatewayRef, WebhookRequest

SIGNATURE_HEADER = "x-hmac-signature"
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_MAX_FIELDS = 20
# Named by the message, whoever delivers it how often.
_MESSAGES = frozenset({"Message", "UndecryptableMessage"})
# These say nothing but their name, so two of them look like one that was delivered twice. They
# are all taken, and the stream asks the gateway what holds now.
_MOMENTS = frozenset(
    {
        "ChatPresence",
        "ClientOutdated",
        "ConnectFailure",
        "Connected",
        "Disconnected",
        "KeepAliveRestored",
        "KeepAliveTimeout",
        "LoggedOut",
        "PairSuccess",
        "Presence",
        "QR",
        "QRTimeout",
        "StreamReplaced",
        "TemporaryBan",
    }
)
# Files are fetched when they are wanted, and the code to scan is asked for: neither belongs in
# a row. `token` is the session's, from very old gateways.
_LEFT_OUT = frozenset({"base64", "instanceName", "qrCodeBase64", "s3", "token", "userID"})
# Go's JSON encoder writes these so, Python's does not.
_GO_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def parse(request: WebhookRequest) -> WebhookCall:
    """Read a webhook without believing it.

    :raises EngineError: it is not a webhook of WuzAPI.
    """
    event, session_id = _event(request)
    kind = read.text(event, "type")
    if not kind or kind == SURVEY:
        raise _not_a_webhook()
    payload = {name: value for name, value in event.items() if name not in _LEFT_OUT}
    try:
        return WebhookCall(session_id, _dedupe_key(session_id, kind, event), payload)
    except RecursionError:  # nested just so that it could be read
        raise _not_a_webhook() from None


def is_signed(request: WebhookRequest, gateway: GatewayRef) -> bool:
    """Say whether the session's gateway signed these bytes, in equal time for every answer.

    There is no time in what is signed: a repetition is known by its dedupe key alone.
    """
    key = gateway.hmac_key.encode()
    digest = hmac.new(key, _signed_bytes(request), hashlib.sha256).hexdigest()
    given = request.headers.get(SIGNATURE_HEADER, "").lower()
    # Anybody can sign with an empty key.
    return hmac.compare_digest(digest.encode(), given.encode()) and bool(key)


def go_json(fields: dict[str, str]) -> bytes:
    """Return fields as Go's `json.Marshal` writes a map of texts."""
    plain = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return plain.translate(_GO_ESCAPES).encode(errors="replace")


def _event(request: WebhookRequest) -> tuple[dict[str, Any], str]:
    """Return the event and the session that it is said to be of."""
    if _kind(request) not in {_FORM, _MULTIPART}:
        event = read.parse(request.body)
        fields: Any = event
    else:
        fields = _fields(request)
        event = read.parse(fields.get("jsonData", "").encode())
    if not isinstance(event, dict):
        raise _not_a_webhook()
    return event, read.text(fields, "instanceName")


def _signed_bytes(request: WebhookRequest) -> bytes:
    """Return the body; of a form with a file, the JSON of its other fields."""
    return go_json(_fields(request)) if _kind(request) == _MULTIPART else request.body


def _kind(request: WebhookRequest) -> str:
    return request.content_type.partition(";")[0].strip().lower()


def _fields(request: WebhookRequest) -> dict[str, str]:
    """Return a form's fields, without its files.

    :raises EngineError: it is no form.
    """
    try:
        if _kind(request) == _FORM:
            return dict(parse_qsl(request.body.decode(), max_num_fields=_MAX_FIELDS))
        return _parts(request)
    except (ValueError, RecursionError):
        raise _not_a_webhook() from None


def _parts(request: WebhookRequest) -> dict[str, str]:
    head = f"Content-Type: {request.content_type}\r\n\r\n".encode()
    # Not `policy.HTTP`: its parser of headers fails at some that are malformed.
    form = BytesParser(policy=policy.compat32).parsebytes(head + request.body)
    fields: dict[str, str] = {}
    parts = cast("list[Message]", form.get_payload()) if form.is_multipart() else []
    for part in parts:
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and part.get_filename() is None:
            data = part.get_payload(decode=True)
            fields[name] = data.decode() if isinstance(data, bytes) else ""
    return fields


def _not_a_webhook() -> EngineError:
    return EngineError("This is no webhook of WuzAPI.", code="not_a_webhook")


def _dedupe_key(session_id: str, kind: str, event: dict[str, Any]) -> str:
    """Return what is equal for a repeated delivery of the same event, and for nothing else."""
    info = read.mapping(read.mapping(event, "event"), "Info")
    if kind in _MOMENTS:
        parts: list[Any] = [uuid4().hex]
    elif kind in _MESSAGES and read.text(info, "ID"):
        parts = [read.text(info, name) for name in ("Chat", "Sender", "ID")]
    else:
        parts = [event]
    named = json.dumps([session_id, kind, parts], sort_keys=True)
    return hashlib.sha256(named.encode()).hexdigest()
