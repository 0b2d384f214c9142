"""`python -m orsta.bench.gateways`: a survey of a gateway with 10,000 sessions, and webhooks.

The gateway is a server of ours that lists them as WuzAPI does; the rows are made in the
database of `DATABASE_URL`, inside a transaction that is taken back.
"""

import hashlib
import hmac
import json
import logging
import os
import statistics
import sys
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from orsta.bench import sessions

SESSIONS = 10_000
SECRET = "bench"  # noqa: S105 (nobody else's)
DISAGREE_EVERY = 10  # one of so many is something else than we think
LIMIT_SECONDS = 5.0
PASSES = 3
WEBHOOKS = 1_000
WEBHOOK_LIMIT_MS = 50.0


def main() -> int:
    """Print the figures; 1 if the slowest pass or the median webhook is over its limit."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orsta.settings")
    import django

    django.setup()
    from django.db import transaction

    from sessions_app.engines import registry

    logging.disable(logging.INFO)  # a line per webhook
    registry.configure({"wuzapi": {}})
    with transaction.atomic():
        names = _make_sessions()
        server = _serve(names)
        took = [_survey(f"http://127.0.0.1:{server.server_port}") for _ in range(PASSES)]
        server.shutdown()
        answers = _post(names)
        transaction.set_rollback(True)
    print(  # noqa: T201
        f"{SESSIONS:,} sessions of one gateway, {SESSIONS // DISAGREE_EVERY:,} of them told: "
        f"passes took {', '.join(f'{seconds:.2f}' for seconds in took)} s"
    )
    median, p99 = statistics.median(answers), statistics.quantiles(answers, n=100)[98]
    print(f"{WEBHOOKS:,} webhooks one by one: p50 {median:.1f} ms, p99 {p99:.1f} ms")  # noqa: T201
    return int(max(took) > LIMIT_SECONDS or median > WEBHOOK_LIMIT_MS)


def _post(names: list[str]) -> list[float]:
    """Post signed webhooks to the receiver, through Django without a server; return the ms."""
    from django.test import Client, override_settings

    from sessions_app.models import Gateway
    from sessions_app.services import engine_refs

    gateway = Gateway.objects.get(name="bench")
    key = engine_refs.place_of(gateway, secret=SECRET).hmac_key
    client, took = Client(raise_request_exception=True), []
    with override_settings(ALLOWED_HOSTS=["*"], ORSTA_LIMITS=_unlimited()):
        for number in range(WEBHOOKS):
            body = json.dumps(_message(number, names[number % len(names)])).encode()
            signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
            began = time.perf_counter()
            answer = client.post(
                f"{engine_refs.WEBHOOK_PATH}{gateway.public_id}",
                body,
                content_type="application/json",
                headers={"x-hmac-signature": signature},
            )
            took.append((time.perf_counter() - began) * 1_000)
            if answer.status_code != 200:
                raise RuntimeError(f"the receiver said {answer.content!r}")
    return took


def _unlimited() -> dict[str, str]:
    from django.conf import settings

    return settings.ORSTA_LIMITS | {"gateway_address": "1000000/60"}


def _message(number: int, session_id: str) -> dict[str, Any]:
    jid = "15550100123@s.whatsapp.net"
    return {
        "type": "Message",
        "instanceName": session_id,
        "userID": "bench",
        "event": {
            "Info": {
                "ID": f"BENCH{number:08}",
                "Chat": jid,
                "Sender": jid,
                "Timestamp": "2026-01-01T12:00:00Z",
            },
            "Message": {"conversation": "How much is it?"},
        },
    }


def _make_sessions() -> list[str]:
    """Save a gateway full of sessions that we believe to be connected; return their ids."""
    from django.utils import timezone

    from sessions_app.models import Gateway

    gateway = Gateway.objects.create(
        name="bench",
        engine="wuzapi",
        address="http://bench",
        token="-",  # noqa: S106
        capacity=SESSIONS,
    )
    made = sessions.make_connected(
        SESSIONS,
        since=timezone.now() - timedelta(hours=1),
        engine="wuzapi",
        gateway=gateway,
        engine_secret=SECRET,
    )
    return [session.public_id for session in made]


def _serve(names: list[str]) -> ThreadingHTTPServer:
    """Start the gateway on a port of its own."""
    users = [_user(number, name) for number, name in enumerate(names)]
    answers = {
        "/admin/users": json.dumps({"code": 200, "data": users, "success": True}).encode(),
        "/health": json.dumps({"status": "ok", "version": "bench"}).encode(),
    }

    class Gateway(BaseHTTPRequestHandler):
        """Answers what a survey asks."""

        def do_GET(self) -> None:
            body = answers[self.path]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _user(number: int, name: str) -> dict[str, Any]:
    is_open = number % DISAGREE_EVERY != 0
    return {
        "id": f"{number:032x}",
        "name": name,
        "token": f"{number:064x}",
        "webhook": "https://orsta.example/hooks/engines/gtw_bench",
        "jid": f"1555{number:07}:3@s.whatsapp.net",
        "qrcode": "",
        "connected": is_open,
        "loggedIn": is_open,
        "events": "All",
    }


def _survey(address: str) -> float:
    """Survey once, as if nothing had been told yet; return the seconds."""
    from django.utils import timezone

    from sessions_app.models import Gateway, InboxEntry
    from sessions_app.services import surveys

    gateway = Gateway.objects.get(name="bench")
    Gateway.objects.filter(pk=gateway.pk).update(address=address)
    InboxEntry.objects.filter(session__gateway=gateway).delete()
    began = time.perf_counter()
    found = surveys.survey(gateway_id=gateway.pk, now=timezone.now())
    taken = time.perf_counter() - began
    expected = surveys.Findings(told=SESSIONS // DISAGREE_EVERY, lost=0)
    if found != expected:
        raise RuntimeError(f"the survey found {found}, not {expected}")
    return taken


if __name__ == "__main__":
    sys.exit(main())
