"""The fake gateway's routes for messages and people."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime

from sessions_app.engines.tests.fake_gateway.answers import Answer, Refused
from sessions_app.engines.tests.fake_gateway.session_routes import require_client, require_up

_FILES = {"image": "Image", "video": "Video", "audio": "Audio", "document": "Document",
          "sticker": "Sticker"}  # fmt: skip
# What the gateway checks of a file's data URL.
_STARTS = {"image": "data:image", "audio": "data:audio/", "video": "data:",
           "document": "data:application/octet-stream", "sticker": "data:"}  # fmt: skip


def send_text(gateway, user, body):
    return _sent(gateway, user, body, required="Body")


def send_file(kind):
    def send(gateway, user, body):
        if not body.get(_FILES[kind], "").startswith(_STARTS[kind]):
            raise Refused(400, f"{kind} data should start with another data URL")
        if kind == "document" and not body.get("FileName"):
            raise Refused(400, "missing FileName in Payload")
        return _sent(gateway, user, body, required=_FILES[kind])

    return send


def _sent(gateway, user, body, *, required):
    require_up(gateway, user)
    if not body.get("Phone") or not body.get(required):
        raise Refused(400, f"missing {required} in Payload")
    wa_id = body.get("Id") or secrets.token_hex(8).upper()
    known = wa_id in user.sent
    taken = user.take(wa_id, body)
    if not gateway.upstream:
        gateway.post(user, {"type": "MessageSent", "event": {"Id": wa_id}})
    if gateway.receipts and not known:
        gateway.receive(user.name, [wa_id], chat=body["Phone"])
    moment = taken["Timestamp"]
    if gateway.upstream:
        moment = datetime.fromtimestamp(moment, UTC).isoformat()
    return Answer({"Details": "Sent", "Id": wa_id, "Timestamp": moment})


def change(path):
    """Edits, reactions, revokes: whatever names another message."""

    def ask(gateway, user, body):
        require_up(gateway, user)
        if not body.get("Phone") or not body.get("Id"):
            raise Refused(400, "missing Id in Payload")
        user.asked.append((path, body))
        moment = int(datetime.now(UTC).timestamp())
        return Answer({"Details": "Sent", "Id": body["Id"], "Timestamp": moment})

    return ask


def courtesy(path):
    def ask(gateway, user, body):
        require_up(gateway, user)
        user.asked.append((path, body))
        return Answer({"Details": "done"})

    return ask


def contacts(gateway, user, body):
    require_client(gateway, user)
    return Answer(gateway.people, bare=gateway.upstream)


def check(gateway, user, body):
    """Numbers that end in 0 have no WhatsApp; those that end in 9 are businesses."""
    require_up(gateway, user)
    users = [
        {
            "Query": f"+{phone}",
            "IsInWhatsapp": not phone.endswith("0"),
            "JID": f"{phone}@s.whatsapp.net",
            "VerifiedName": "Shop" if phone.endswith("9") else "",
        }
        for phone in body["Phone"]
    ]
    return Answer({"Users": users})


def download(gateway, user, body):
    require_up(gateway, user)
    data = gateway.files.get(body["MediaKey"])
    if data is None:
        raise Refused(500, "failed to download image: download failed with status code 410")
    encoded = base64.b64encode(data).decode()
    return Answer({"Mimetype": body["Mimetype"], "Data": f"data:image/jpeg;base64,{encoded}"})


ROUTES = {
    ("POST", "/chat/send/text"): send_text,
    ("POST", "/chat/send/edit"): change("edit"),
    ("POST", "/chat/react"): change("react"),
    ("POST", "/chat/delete"): change("delete"),
    ("POST", "/chat/presence"): courtesy("presence"),
    ("POST", "/user/presence"): courtesy("available"),
    ("POST", "/chat/markread"): courtesy("markread"),
    ("GET", "/user/contacts"): contacts,
    ("POST", "/user/check"): check,
    **{("POST", f"/chat/send/{kind}"): send_file(kind) for kind in _FILES},
    **{("POST", f"/chat/download{kind}"): download for kind in _FILES},
}
