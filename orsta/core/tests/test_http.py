"""Outbound calls reach the public internet and nothing else."""

import gzip
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orsta.core import http

SIP_BYTES = 256 * 1024


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    seen: list[str] = []

    def do_GET(self) -> None:
        """Answer."""
        self.seen.append(self.path)
        getattr(self, self.path.strip("/"))()

    def fine(self) -> None:
        """A small answer."""
        self._answer(200, b"fine")

    def redirect(self) -> None:
        """Lead somewhere private."""
        self._answer(302, b"", Location="http://10.0.0.1/secret")

    def big(self) -> None:
        """Two megabytes."""
        self._answer(200, b"x" * 2 * 1024 * 1024)

    def endless(self) -> None:
        """A body without an end."""
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"x" * 65_536)

    def headers_without_end(self) -> None:
        """Drip a header at a time, each in time."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-More: 1\r\n")
            time.sleep(0.05)

    def drip(self) -> None:
        """Drip a body, each byte in time."""
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"x")
            time.sleep(0.05)

    def do_POST(self) -> None:
        """Take the body in sips, each in time."""
        for _ in range(int(self.headers["Content-Length"]) // SIP_BYTES):
            self.rfile.read(SIP_BYTES)
            time.sleep(0.05)
        self._answer(200, b"full")

    def bomb(self) -> None:
        """A small answer that would unpack to 50 MB, though nobody asked for packing."""
        packed = gzip.compress(b"\0" * 50 * 1024 * 1024)
        self._answer(200, packed, **{"Content-Encoding": "gzip"})

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Quiet(ThreadingHTTPServer):
    """A server whose clients hang up on it."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A server on loopback."""
    Handler.seen.clear()
    with Quiet(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def allowed(settings: Any) -> None:
    """Loopback may be called."""
    settings.ORSTA_OUTBOUND_ALLOW = ["127.0.0.0/8"]


def url_of(server: ThreadingHTTPServer, path: str, host: str = "127.0.0.1") -> str:
    """Return a URL of the server."""
    return f"http://{host}:{server.server_port}/{path}"


def test_a_private_server_is_not_called(server: ThreadingHTTPServer) -> None:
    with http.client() as client, pytest.raises(http.UnsafeAddress):
        client.get(url_of(server, "fine"))

    assert Handler.seen == []


@pytest.mark.usefixtures("allowed")
def test_an_allowed_one_is(server: ThreadingHTTPServer) -> None:
    with http.client() as client:
        response = client.get(url_of(server, "fine"))

    assert (response.status_code, response.text) == (200, "fine")


def test_a_name_is_checked_when_it_is_connected_to(server: ThreadingHTTPServer) -> None:
    url = url_of(server, "fine", host="rebind.example")
    http.check_url(url)  # the name itself is fine

    with (
        http.client(resolver=lambda *_: ["127.0.0.1"]) as client,
        pytest.raises(http.UnsafeAddress),
    ):
        client.get(url)

    assert Handler.seen == []


def test_one_private_address_spoils_a_name(server: ThreadingHTTPServer) -> None:
    with (
        http.client(resolver=lambda *_: ["93.184.216.34", "127.0.0.1"]) as client,
        pytest.raises(http.UnsafeAddress),
    ):
        client.get(url_of(server, "fine", host="rebind.example"))

    assert Handler.seen == []


@pytest.mark.usefixtures("allowed")
def test_a_name_is_looked_up_once_per_connection(server: ThreadingHTTPServer) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    with http.client(resolver=lambda *_: next(answers)) as client:
        response = client.get(url_of(server, "fine", host="rebind.example"))
        with pytest.raises(http.UnsafeAddress):
            client.get(url_of(server, "fine", host="rebind.example"))

    assert response.text == "fine"
    assert Handler.seen == ["/fine"]


def test_a_name_without_an_address_is_httpxs_own_error() -> None:
    def nothing(*_: Any) -> list[str]:
        raise OSError("no such name")

    with http.client(resolver=nothing) as client, pytest.raises(httpx.ConnectError):
        client.get("http://nowhere.example/")
    with http.client(resolver=lambda *_: []) as client, pytest.raises(httpx.ConnectError):
        client.get("http://nowhere.example/")


@pytest.mark.usefixtures("allowed")
def test_the_next_address_is_tried(server: ThreadingHTTPServer) -> None:
    # Nothing listens on 127.0.0.2: the server is bound to 127.0.0.1.
    with http.client(resolver=lambda *_: ["127.0.0.2", "127.0.0.1"]) as client:
        assert client.get(url_of(server, "fine", host="two.example")).text == "fine"


@pytest.mark.usefixtures("allowed")
def test_redirects_are_not_followed(server: ThreadingHTTPServer) -> None:
    with http.client() as client:
        response = client.get(url_of(server, "redirect"))

        assert response.status_code == 302
        with pytest.raises(http.UnsafeAddress):
            client.get(url_of(server, "redirect"), follow_redirects=True)


@pytest.mark.usefixtures("allowed")
def test_proxies_of_the_environment_are_not_used(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    with http.client() as client:
        assert client.get(url_of(server, "fine")).text == "fine"


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("path", ["big", "endless"])
def test_a_big_answer_is_cut_off(server: ThreadingHTTPServer, path: str) -> None:
    with http.client(max_bytes=100_000) as client, pytest.raises(http.AnswerTooBig):
        client.get(url_of(server, path))


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("path", ["drip", "headers_without_end"])
def test_g9_a_slow_answer_is_cut_off(server: ThreadingHTTPServer, path: str) -> None:
    started = time.monotonic()

    with http.client(timeout=0.4) as client, pytest.raises(httpx.TimeoutException):
        client.get(url_of(server, path))

    assert time.monotonic() - started < 2


@pytest.mark.usefixtures("allowed")
def test_a_body_that_is_taken_slowly_is_cut_off(server: ThreadingHTTPServer) -> None:
    started = time.monotonic()

    with http.client(timeout=0.4) as client, pytest.raises(httpx.TimeoutException):
        client.post(url_of(server, "sip"), content=bytes(128 * SIP_BYTES))

    assert time.monotonic() - started < 2


@pytest.mark.usefixtures("allowed")
def test_a_packed_answer_is_not_unpacked(server: ThreadingHTTPServer) -> None:
    with http.client() as client:
        response = client.get(url_of(server, "bomb"))

    assert len(response.content) < 100_000


@pytest.fixture
def secure(server: ThreadingHTTPServer, tmp_path: Path) -> Path:
    """The server speaks TLS as hook.example; returns the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hook.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hook.example")]), False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return path


@pytest.mark.usefixtures("allowed")
def test_the_certificate_must_be_the_names(
    server: ThreadingHTTPServer, secure: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(host: str) -> str:
        with http.client(resolver=lambda *_: ["127.0.0.1"]) as client:
            return client.get(f"https://{host}:{server.server_port}/fine").text

    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        get("hook.example")
    trusting = ssl.create_default_context(cafile=str(secure))
    monkeypatch.setattr(http, "_tls", lambda: trusting)
    assert get("hook.example") == "fine"
    with pytest.raises(httpx.ConnectError, match="Hostname mismatch"):
        get("other.example")


def test_unix_sockets_are_refused() -> None:
    with http.client() as client, pytest.raises(httpx.UnsupportedProtocol):
        client.get("unix:///var/run/docker.sock")
