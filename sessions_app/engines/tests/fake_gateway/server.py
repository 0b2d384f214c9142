"""The fake gateway behind a port of the loopback interface."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sessions_app.engines.tests.fake_gateway import (
    admin_routes,
    answers,
    chat_routes,
    session_routes,
)
from sessions_app.engines.tests.fake_gateway.answers import Answer, Refused
from sessions_app.engines.tests.fake_gateway.gateway import ADMIN_TOKEN, parsed

ROUTES = {**session_routes.ROUTES, **chat_routes.ROUTES}


class Handler(BaseHTTPRequestHandler):
    """Authenticates, finds the route, and goes wrong when told to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        gateway = self.server.gateway
        body = parsed(self.rfile.read(int(self.headers.get("content-length", 0))))
        gateway.requests.append((self.command, self.path, dict(self.headers), body))
        fault = self._fault(gateway)
        if fault is not None and not self._goes_on(fault):
            return
        try:
            answer = self._answer(gateway, body)
        except Refused as refused:
            self._write(refused.status, answers.body_of_refusal(refused))
        else:
            if fault is not None and fault.kind == "late_drop":
                self.close_connection = True
                return
            self._write(answer.status, answers.body_of(answer))

    def do_POST(self):
        self.do_GET()

    def do_PUT(self):
        self.do_GET()

    def do_DELETE(self):
        self.do_GET()

    def _answer(self, gateway, body):
        with gateway.lock:
            if self.path.startswith("/admin/"):
                return self._admin(gateway, body)
            if self.path == "/health" and not gateway.upstream:
                return admin_routes.health(gateway)
            route = ROUTES.get((self.command, self.path))
            old = (self.command, self.path) in session_routes.NOT_UPSTREAM and gateway.upstream
            if route is None or old:
                raise Refused(404, "404 page not found")
            return route(gateway, self._user(gateway), body)

    def _user(self, gateway):
        token = self.headers.get("token")
        for user in gateway.users + gateway.ghosts:
            if token and user.token == token:
                return user
        raise Refused(401, "unauthorized")

    def _admin(self, gateway, body):
        if self.headers.get("authorization") != ADMIN_TOKEN:
            raise Refused(401, "unauthorized")
        match self.command, self.path.split("/")[2:]:
            case "POST", ["users"]:
                return admin_routes.create(gateway, body)
            case "GET", ["users"]:
                return admin_routes.listing(gateway, gateway.users)
            case "DELETE", ["users", user_id]:
                return admin_routes.remove(gateway, user_id, full=False)
            case "DELETE", ["users", user_id, "full"] if not gateway.upstream:
                return admin_routes.remove(gateway, user_id, full=True)
        raise Refused(404, "404 page not found")

    def _fault(self, gateway):
        with gateway.lock:
            for fault in gateway.faults:
                if fault.times > 0 and fault.path in {"", self.path}:
                    fault.times -= 1
                    return fault
        return None

    def _goes_on(self, fault):
        match fault.kind:
            case "slow":
                time.sleep(fault.seconds)
                return True
            case "late_drop":
                return True
            case "error":
                refused = Refused(fault.status, fault.text)
                self._write(fault.status, answers.body_of_refusal(refused))
            case "drop":
                self._start(200, 1000)
                self.wfile.write(b'{"code": 200, "da')
                self.close_connection = True
            case "huge":
                self._write(200, json.dumps("x" * fault.size).encode())
            case "redirect":
                self._start(302, 0, location=fault.location)
            case "html":
                self._write(200, b"<html>Welcome</html>")
        return False

    def _start(self, status, length, **headers):
        self.send_response(status)
        for name, value in ({"content-length": str(length)} | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def _write(self, status, body):
        with contextlib.suppress(OSError):  # who asked may have given up
            self._start(status, len(body), **{"content-type": "application/json"})
            self.wfile.write(body)

    def log_message(self, *_):
        """Print nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Callers that went away are part of the tests."""


@contextlib.contextmanager
def serve(gateway):
    """Run a gateway; its address is set meanwhile."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.gateway = gateway
        gateway.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield gateway
        finally:
            server.shutdown()
            thread.join(timeout=10)
            gateway.poster.stop()


__all__ = ["Answer", "serve"]
