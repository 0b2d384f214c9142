import json
import logging
import sys

import pytest
from django.test import RequestFactory

from orsta.core.observability import logging as logs
from orsta.core.observability import tracing


def line(message: str, *args: object, exc_info: bool = False, **extra: object) -> dict:
    """Format a record as the process would, and read the line back."""
    record = logging.getLogger("orsta.test").makeRecord(
        "orsta.test",
        logging.INFO,
        __file__,
        1,
        message,
        args,
        sys.exc_info() if exc_info else None,
        extra=extra,
    )
    return json.loads(logs.formatter().format(record))


def test_a_line_is_json_with_time_level_logger_and_trace():
    tracing.start("trace-of-this-test")

    logged = line("Session started", session_id="ses_01kb1z2q7mw4g0v9s2x8c5r6tn", count=3)

    assert logged.pop("timestamp").endswith("Z")
    assert logged == {
        "session_id": "ses_01kb1z2q7mw4g0v9s2x8c5r6tn",
        "count": 3,
        "event": "Session started",
        "level": "info",
        "logger": "orsta.test",
        "trace_id": "trace-of-this-test",
    }


REALISTIC = {
    "session_id": "ses_01kb1z2q7mw4g0v9s2x8c5r6tn",
    "kind": "SEND",
    "attempt": 2,
    "headers": {
        "Authorization": "Bearer ort_k3v9Zq1LmN0p_" + "s" * 49,
        "X-Api-Key": "ork_k3v9Zq1LmN0p_" + "s" * 49,
        "Cookie": "orsta_session=ort_k3v9Zq1LmN0p_" + "s" * 49,
        "Host": "api.example.com",
    },
    "payload": {
        "to": "+49 151 23456789",
        "text": "my secret surprise",
        "messages": [{"to": "15551234567", "text": "my second surprise"}],
    },
    "login": {"email": "a@example.com", "password": "correct horse"},
    "chat": "15551234567@s.whatsapp.net",
    "device": "15551234567:12@s.whatsapp.net",
    "lid": "123456789012345@lid",
    "group": "15551234567-1600000000@g.us",
    "qr": "2@Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6,abc,def,1",
    "challenge": "https://wa.me/settings/linked_devices#2@Zm9v,abc",
    "database": "postgres://orsta:hunter2@db.internal:5432/orsta",
    "broker": "redis://:hunter3@cache.internal:6379/0",
    "proxy_url": "socks5://joe:hunter4@10.0.0.9",
    "reason": "send to 15551234567@s.whatsapp.net failed with ork_k3v9Zq1LmN0p_abcdefgh",
}
SECRETS = [
    "s" * 20,
    "surprise",
    "15551234567",
    "1600000000",
    "23456789",
    "123456789012345",
    "Zm9v",
    "hunter",
    "correct horse",
    "abcdefgh",
]


def test_a_realistic_payload_shows_no_secret():
    written = json.dumps(line("Command failed", **REALISTIC))

    assert [secret for secret in SECRETS if secret in written] == []


def test_what_explains_the_line_stays():
    logged = line("Command failed", **REALISTIC)

    assert (logged["session_id"], logged["kind"], logged["attempt"]) == (
        "ses_01kb1z2q7mw4g0v9s2x8c5r6tn",
        "SEND",
        2,
    )
    assert logged["headers"]["Host"] == "api.example.com"
    assert logged["database"] == "postgres://[redacted]@db.internal:5432/orsta"
    assert logged["reason"] == "send to [redacted] failed with [redacted]"


@pytest.mark.parametrize(
    "harmless",
    [
        "ses_01kb1z2q7mw4g0v9s2x8c5r6tn",
        "2026-11-22T04:14:26.123456Z",
        "3f2b8c1e-9d4a-4b7e-8f00-123456789012",
        "took 1234.5 ms for 50000 contacts",
        "runner-1:4242",
        "v1/sessions/<str:public_id>/qr",
    ],
)
def test_ids_times_and_routes_are_not_mistaken_for_secrets(harmless):
    assert line("x", detail=harmless)["detail"] == harmless


def test_arguments_of_the_message_are_cleaned_too():
    logged = line("Sent to %s with %s", "+15551234567", "ork_k3v9Zq1LmN0p_abcdefgh")

    assert logged["event"] == "Sent to [redacted] with [redacted]"


def fail(message: str) -> None:
    raise ValueError(message)


def test_a_stack_trace_is_kept_and_cleaned():
    try:
        fail("no such chat: 15551234567@s.whatsapp.net")
    except ValueError:
        logged = line("Handler failed", exc_info=True)

    assert "test_a_stack_trace_is_kept_and_cleaned" in logged["exception"]
    assert "15551234567" not in logged["exception"]


def test_an_object_shows_no_more_than_a_text():
    class Contact:
        def __str__(self) -> str:
            return "Ann 15551234567@s.whatsapp.net"

    assert line("x", who=Contact())["who"] == "Ann [redacted]"


def test_a_request_is_not_written_with_its_query():
    request = RequestFactory().get("/v1/x?token=abc")

    assert "token=abc" not in json.dumps(line("Not Found: /v1/x", request=request))


def test_a_callers_trace_id_is_taken_if_it_is_sane():
    assert tracing.start("caller-id-1") == "caller-id-1"
    assert tracing.current() == "caller-id-1"
    for insane in (None, "", "short", "x" * 65, "new\nline-in-it", "a b c d e f g"):
        made = tracing.start(insane)
        assert len(made) == 32
        assert made != insane
