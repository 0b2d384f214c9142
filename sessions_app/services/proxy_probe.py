"""Ask a proxy for a connection to WhatsApp, as an engine would, and hang up."""

import base64
import socket
import ssl
import struct
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

TARGET = ("web.whatsapp.com", 443)
TIMEOUT_SECONDS = 10.0  # for each step of the handshake
SCHEMES = ("socks5", "http", "https")  # what the engines can use
_MAX_HEAD_BYTES = 16_384
# RFC 1928: version, methods, commands, kinds of addresses; RFC 1929: the login.
_SOCKS, _LOGIN = 5, 1
_MAX_LOGIN_BYTES = 255
_NO_LOGIN, _BY_PASSWORD = 0, 2
_CONNECT, _DOMAIN_NAME = 1, 3
_SOCKS_REFUSALS = {
    1: "it failed",
    2: "its rules forbid it",
    3: "the network can't be reached",
    4: "WhatsApp can't be reached",
    5: "the connection was refused",
    6: "it took too long",
}


class ProxyFailed(Exception):
    """The proxy did not connect us. The text holds no secret."""


class BadProxyUrl(ValueError):
    """It is not the URL of a proxy. The text holds no secret."""


@dataclass(frozen=True, slots=True)
class Address:
    """What a proxy's URL says."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """Return all that may be shown."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse(url: str) -> Address:
    """Read `socks5://user:secret@host:port`, or the same with http or https.

    :raises BadProxyUrl: it is something else.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise BadProxyUrl("This is not a URL.") from None
    if parts.scheme not in SCHEMES:
        raise BadProxyUrl(f"A proxy's URL begins with one of: {', '.join(SCHEMES)}.")
    if not parts.hostname or not port:
        raise BadProxyUrl("A proxy's URL has a host and a port.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise BadProxyUrl("A proxy's URL ends after the port.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if max(len(user.encode()), len(password.encode())) > _MAX_LOGIN_BYTES:
        raise BadProxyUrl("The user or the password is too long.")
    return Address(parts.scheme, parts.hostname, port, user, password)


def probe(
    url: str, *, target: tuple[str, int] = TARGET, timeout: float = TIMEOUT_SECONDS
) -> None:
    """Have the proxy connect to WhatsApp once; nothing is sent through it.

    The address was given by staff and may be private, unlike those that customers give.

    :raises ProxyFailed: it does not answer, or refuses.
    """
    try:
        address = parse(url)
        with _connected(address, timeout) as stream:
            if address.scheme == "socks5":
                _socks5(stream, address, target)
            else:
                _http(stream, address, target)
    except BadProxyUrl as error:
        raise ProxyFailed(str(error)) from None
    except TimeoutError:
        raise ProxyFailed("It does not answer in time.") from None
    except OSError as error:
        raise ProxyFailed(f"It can't be reached ({type(error).__name__}).") from None


def _connected(address: Address, timeout: float) -> socket.socket:
    stream = socket.create_connection((address.host, address.port), timeout=timeout)
    if address.scheme != "https":
        return stream
    try:
        context = ssl.create_default_context()
        return context.wrap_socket(stream, server_hostname=address.host)
    except OSError:
        stream.close()
        raise


def _http(stream: socket.socket, address: Address, target: tuple[str, int]) -> None:
    name = f"{target[0]}:{target[1]}"
    head = [f"CONNECT {name} HTTP/1.1", f"Host: {name}"]
    if address.user:
        pair = f"{address.user}:{address.password}".encode()
        head.append(f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}")
    stream.sendall("\r\n".join([*head, "", ""]).encode())
    answer = b""
    while b"\r\n\r\n" not in answer and len(answer) < _MAX_HEAD_BYTES:
        if not (chunk := stream.recv(4096)):
            raise ProxyFailed("It hung up.")
        answer += chunk
    version, _, rest = answer.partition(b" ")
    status = rest[:3].decode("ascii", "replace")
    if not version.startswith(b"HTTP/"):
        raise ProxyFailed("It is no HTTP proxy.")
    if status == "407":
        raise ProxyFailed("It refuses our login.")
    if not status.startswith("2"):
        raise ProxyFailed(f"It refuses to connect us: status {status}.")


def _socks5(stream: socket.socket, address: Address, target: tuple[str, int]) -> None:
    methods = bytes([_BY_PASSWORD] if address.user else [_NO_LOGIN])
    stream.sendall(bytes([_SOCKS, len(methods)]) + methods)
    version, method = _read(stream, 2)
    if version != _SOCKS:
        raise ProxyFailed("It is no SOCKS5 proxy.")
    if method not in methods:
        raise ProxyFailed("It wants another kind of login.")
    if address.user:
        user, password = address.user.encode(), address.password.encode()
        login = bytes([_LOGIN, len(user)]) + user + bytes([len(password)]) + password
        stream.sendall(login)
        if _read(stream, 2)[1]:
            raise ProxyFailed("It refuses our login.")
    host = target[0].encode()
    request = bytes([_SOCKS, _CONNECT, 0, _DOMAIN_NAME, len(host)]) + host
    stream.sendall(request + struct.pack("!H", target[1]))
    if code := _read(stream, 4)[1]:
        why = _SOCKS_REFUSALS.get(code, f"code {code}")
        raise ProxyFailed(f"It refuses to connect us: {why}.")


def _read(stream: socket.socket, count: int) -> bytes:
    answer = b""
    while len(answer) < count:
        if not (chunk := stream.recv(count - len(answer))):
            raise ProxyFailed("It hung up.")
        answer += chunk
    return answer
