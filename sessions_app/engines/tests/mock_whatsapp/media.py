"""The host that keeps media: clients upload sealed files over HTTPS, and fetch them again."""

from __future__ import annotations

import json
import tempfile
import threading
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sessions_app.engines.tests.mock_whatsapp.certificates import HOST, server_context

DOWNLOADS = "/v/"


class MediaHost:
    """Keeps what was uploaded, by path. It sees ciphertext only, as WhatsApp's does."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mock-whatsapp-")
        context, self.trusted = server_context(Path(self._folder.name))
        self._kept: dict[str, bytes] = {}
        self.broken = False  # answers each request with 500
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="mock-whatsapp-media", daemon=True
        )

    @property
    def address(self) -> str:
        return f"{HOST}:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()

    def keep(self, sealed: bytes) -> str:
        """Store a file and return the path under which clients fetch it."""
        path = f"{DOWNLOADS}{uuid.uuid4().hex}.enc?ccb=1"  # clients append "&hash=..."
        self._kept[urlsplit(path).path] = sealed
        return path

    def find(self, path: str) -> bytes | None:
        return self._kept.get(urlsplit(path).path)

    def forget_everything(self) -> None:
        """Lose every file, as WhatsApp does after some weeks: downloads get 404."""
        self._kept.clear()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sealed = self.rfile.read(int(self.headers["Content-Length"]))
                path = host.keep(sealed)
                answer = {"url": f"https://{host.address}{path}", "direct_path": path}
                self._answer(HTTPStatus.OK, json.dumps(answer).encode())

            def do_GET(self) -> None:
                sealed = host.find(self.path)
                status = HTTPStatus.NOT_FOUND if sealed is None else HTTPStatus.OK
                self._answer(status, sealed or b"")

            def do_DELETE(self) -> None:
                self._answer(HTTPStatus.OK, b"")

            def _answer(self, status: HTTPStatus, body: bytes) -> None:
                if host.broken:
                    status, body = HTTPStatus.INTERNAL_SERVER_ERROR, b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing: the URLs are half of what opens the files."""

        return Handler
