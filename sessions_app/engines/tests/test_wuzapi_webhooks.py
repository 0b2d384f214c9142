"""What a gateway posts is believed only when it is signed, and known when it comes again."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest

from sessions_app.engines.base import EngineError
from sessions_app.engines.tests.fake_gateway import hooks, shapes
from sessions_app.engines.tests.fixtures import *  # noqa: F403 (fixtures)
from sessions_app.engines.tests.wuzapi_rig import *  # noqa: F403 (fixtures)
from sessions_app.engines.webhooks import GatewayRef, WebhookRequest
from sessions_app.engines.wuzapi import webhooks
from sessions_app.engines.wuzapi.engine import WuzapiEngine

KEY = "k" * 40
GATEWAY = GatewayRef("http://gateway", "admin", "token", KEY)
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MESSAGE = shapes.message("3EB0AA", "1@lid", "1@lid", {"conversation": "Grüße <b>& 😀"})
MULTIPART = "multipart/form-data; boundary=b"
BOUNDARY = "----boundary"


def request(body, kind=JSON, key=KEY, signed=None):
    headers = {"content-type": kind}
    if key:
        signature = hmac.new(key.encode(), signed or body, hashlib.sha256).hexdigest()
        headers["x-hmac-signature"] = signature
    return WebhookRequest(body, kind, headers)


def as_json(event, **fields):
    return json.dumps({**event, "instanceName": "ses_1", "userID": "7", **fields}).encode()


def as_form(event):
    fields = {"jsonData": json.dumps(event), "instanceName": "ses_1", "userID": "7"}
    return urlencode(fields).encode()


def as_multipart(event, file=b"\xff\xd8\r\n--not the end\x00"):
    """A form with a file, and what the gateway signs of it: Go's JSON of the other fields."""
    fields = {
        "jsonData": json.dumps(event, ensure_ascii=False),
        "instanceName": "ses_1",
        "userID": "7",
        "file": "/tmp/user_7/3EB0AA.jpg",  # noqa: S108 (what the gateway really writes)
    }
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = "".join([*parts, head]).encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()
    escaped = json.dumps(
        dict(sorted(fields.items())), ensure_ascii=False, separators=(",", ":")
    )
    for character, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        escaped = escaped.replace(character, code)
    return request(body, f"multipart/form-data; boundary={BOUNDARY}", signed=escaped.encode())


def nested_forms(depth):
    part = "--{}\r\nContent-Type: multipart/mixed; boundary={}\r\n\r\n"
    return "".join(part.format(level, level + 1) for level in range(depth)).encode()


@pytest.fixture
def reader():
    return WuzapiEngine()


@pytest.mark.parametrize(
    "posted",
    [
        request(as_json(MESSAGE)),
        request(as_json(MESSAGE), "application/json; charset=utf-8"),
        request(as_form(MESSAGE), FORM),
        as_multipart(MESSAGE),
    ],
    ids=["json", "json-charset", "form", "multipart"],
)
def test_every_form_is_read_and_verified(reader, posted):
    call = reader.read_webhook(posted)

    assert call.session_id == "ses_1"
    assert call.payload == MESSAGE
    assert reader.verify_webhook(posted, GATEWAY)


@pytest.mark.parametrize(
    "posted",
    [
        request(as_json(MESSAGE), key=""),
        request(as_json(MESSAGE), key="x" * 40),
        request(as_json(MESSAGE) + b" ", signed=as_json(MESSAGE)),
        request(as_form(MESSAGE) + b"&more=1", FORM, signed=as_form(MESSAGE)),
        WebhookRequest(as_json(MESSAGE), JSON, {"x-hmac-signature": ""}),
        WebhookRequest(as_json(MESSAGE), JSON, {"x-hmac-signature": "é" * 64}),
    ],
    ids=["unsigned", "other-key", "changed", "changed-form", "empty", "not-ascii"],
)
def test_what_is_not_signed_with_the_sessions_key_is_refused(reader, posted):
    assert not reader.verify_webhook(posted, GATEWAY)


def test_a_form_with_a_file_is_verified_by_its_other_fields(reader):
    signed = as_multipart(MESSAGE)
    other = as_multipart(shapes.message("3EB0AB", "1@lid", "1@lid", {"conversation": "x"}))

    assert reader.verify_webhook(signed, GATEWAY)
    forged = WebhookRequest(other.body, other.content_type, signed.headers)
    assert not reader.verify_webhook(forged, GATEWAY)


def test_a_session_without_a_key_believes_nothing(reader):
    keyless = GatewayRef("http://gateway", "admin", "token", "")
    body = as_json(MESSAGE)
    signature = hmac.new(b"", body, hashlib.sha256).hexdigest()

    posted = WebhookRequest(body, JSON, {"x-hmac-signature": signature})

    assert not reader.verify_webhook(posted, keyless)


def test_trusting_the_unsigned_trusts_no_bad_signature():
    trusting = WuzapiEngine(trust_unsigned=True)

    assert trusting.verify_webhook(request(as_json(MESSAGE), key=""), GATEWAY)
    assert not trusting.verify_webhook(request(as_json(MESSAGE), key="x" * 40), GATEWAY)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", JSON),
        (b"[]", JSON),
        (b"{}", JSON),
        (b"\xff", JSON),
        (b'{"type": "Survey", "connected": true}', JSON),
        (b"jsonData=%7B", FORM),
        (b"\xff\xfe", FORM),
        (b"&".join(b"a%d=1" % number for number in range(99)), FORM),
        (b"no parts", "multipart/form-data"),
        (b"[" * 100_000, JSON),
        (b'{"type": "x", "event": ' + b"[" * 985 + b"]" * 985 + b"}", JSON),
        (nested_forms(1000), "multipart/form-data; boundary=0"),
        (b"--b\r\nContent-Disposition: form-data; name*\r-\"t'\r\n\r\nx\r\n--b--", MULTIPART),
    ],
    ids=[
        "empty", "list", "no-type", "no-text", "our-own", "form", "no-form", "fields",
        "no-parts", "deep", "deep-enough-to-read", "deep-forms", "broken-header",
    ],
)  # fmt: skip
def test_what_is_no_webhook_is_refused(reader, body, kind):
    with pytest.raises(EngineError):
        reader.read_webhook(WebhookRequest(body, kind, {}))


def key_of(reader, event, **fields):
    return reader.read_webhook(request(as_json(event, **fields))).dedupe_key


def test_a_message_is_known_by_chat_sender_and_id(reader):
    again = shapes.message("3EB0AA", "1@lid", "1@lid", {"conversation": "decrypted later"})
    other = shapes.message("3EB0AA", "1@lid", "2@lid", {"conversation": "Hello"})
    retried = {**MESSAGE, "type": "UndecryptableMessage"}

    assert key_of(reader, MESSAGE) == key_of(reader, again)
    keys = {
        key_of(reader, MESSAGE),
        key_of(reader, other),
        key_of(reader, retried),
        key_of(reader, MESSAGE, instanceName="ses_2"),
    }
    assert len(keys) == 4
    assert all(len(key) == 64 for key in keys)


def test_a_repeated_receipt_is_known_and_a_later_one_is_not(reader):
    first = shapes.receipt("Delivered", ["3EB0AA"], "1@lid")
    later = {**first, "state": "Read"}

    assert key_of(reader, first) == key_of(reader, first)
    assert key_of(reader, first) != key_of(reader, later)


def test_a_second_connect_is_never_taken_for_a_repetition(reader):
    connected = {"type": "Connected", "event": {}}

    assert key_of(reader, connected) != key_of(reader, connected)


def test_files_codes_and_tokens_are_left_out_of_the_payload(reader):
    event = {
        "type": "QR",
        "event": "code",
        "qrCodeBase64": "data:",
        "base64": "x",
        "token": "t",
    }

    assert reader.read_webhook(request(as_json(event))).payload == {
        "type": "QR",
        "event": "code",
    }


def test_fields_are_written_as_go_writes_them():
    written = webhooks.go_json({"b": '<&>"\\\n\u2028é\x01', "a": ""})

    assert written == b'{"a":"","b":"\\u003c\\u0026\\u003e\\"\\\\\\n\\u2028\xc3\xa9\\u0001"}'


def test_the_gateway_posts_over_http_and_tries_again(engine, gateway_server, ref):
    taken = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers["content-length"]))
            taken.append(WebhookRequest(body, headers["content-type"], headers))
            self.send_response(200 if len(taken) > 1 else 503)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        gateway_server.poster.deliver = hooks.post_over_http
        gateway_server.user(ref.session_id).webhook = f"http://127.0.0.1:{server.server_port}/h"
        gateway_server.say(ref.session_id, "Disconnected")
        gateway_server.poster.flush()
        server.shutdown()
        thread.join()

    first, second = taken
    assert first.body == second.body
    assert engine.verify_webhook(second, ref.gateway)
    assert engine.read_webhook(second).session_id == ref.session_id
