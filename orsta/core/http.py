"""HTTP to addresses that users give: public addresses only, small answers, little time.

A name is checked when it is connected to, not before, and the address that was checked is
the address that is connected to: a second look-up could answer differently (DNS rebinding).
`settings.ORSTA_OUTBOUND_ALLOW` names networks that are allowed besides the public ones.
"""

import functools
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx
from django.conf import settings

from orsta.core import errors

TIMEOUT_SECONDS = 10.0
MAX_BYTES = 1024 * 1024  # of an answer, headers included, as they come over the wire
_WRITE_BYTES = 16 * 1024  # handed over at once: the time that is left counts for each piece

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], list[str]]

# IANA's registries of special-purpose addresses (RFC 6890 and successors), written out:
# Python's `is_private` and `is_global` change between versions and miss several.
_REFUSED = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; some clouds' metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent, on a public address
        "169.254.0.0/16",  # link-local: most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # IETF protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries any IPv4 address
        "3ffe::/16",  # the former 6bone
        "3fff::/20",  # documentation
    )
]
# Everything else is not routed on the internet or carries an IPv4 address: loopback, mapped
# and compatible (::/96, ::ffff:0:0/96), NAT64 (64:ff9b::/96), unique local, link-local.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")


class UnsafeAddress(errors.Invalid):
    """The URL does not lead to a public address on the internet."""

    code = "unsafe_address"


class AnswerTooBig(errors.UpstreamFailed):
    """The other side sent more than we want to read."""

    code = "answer_too_big"


def check_url(url: str) -> None:
    """Refuse a URL that can't be called; looks no name up, so connecting checks again.

    :raises UnsafeAddress: it is no http(s) URL, carries credentials or names a private address.
    """
    try:
        parts = httpx.URL(url)
        host = parts.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UnsafeAddress("This is not a URL.") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise UnsafeAddress("Give a URL that starts with http:// or https:// and a host.")
    if parts.userinfo:
        raise UnsafeAddress("Give the URL without a user name or password.")
    if parts.port is not None and not 0 < parts.port < 2**16:
        raise UnsafeAddress("A port is a number from 1 to 65535.")
    literal = _literal(host.rstrip("."))
    if literal is None and not _NAME.fullmatch(host):
        raise UnsafeAddress("This is not the name of a host.")
    if literal is not None and not is_allowed(literal):
        raise UnsafeAddress("This address is not on the public internet.")


def is_allowed(address: Address) -> bool:
    """Say whether outbound calls may reach this address."""
    if any(address in network for network in _extra(tuple(settings.ORSTA_OUTBOUND_ALLOW))):
        return True
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _REFUSED)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def client(
    *,
    timeout: float = TIMEOUT_SECONDS,
    max_bytes: int = MAX_BYTES,
    resolver: Resolver = resolve,
) -> httpx.Client:
    """Return a client for addresses that users give; close it after use.

    It follows no redirects, knows no proxies, and keeps no connection.

    :param timeout: seconds for one request in all, from look-up to the answer's last byte; the
        system's resolver alone may take longer.
    :param max_bytes: an answer that is larger ends in `AnswerTooBig`.
    :param resolver: how names become addresses.

    A request raises `UnsafeAddress`, `AnswerTooBig` or one of httpx's own errors.
    """
    transport = _Transport(_Backend(timeout, max_bytes, resolver))
    return httpx.Client(
        transport=transport,
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
        # Unpacking could turn a small answer into a huge one.
        headers={"Accept-Encoding": "identity"},
    )


class _Transport(httpx.HTTPTransport):
    """httpx's own, on our network."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(), max_keepalive_connections=0, network_backend=backend
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer with the bytes as they came, packed or not."""
        response = super().handle_request(request)
        response.headers.pop("content-encoding", None)
        return response


class _Backend(httpcore.NetworkBackend):
    """Connects to allowed addresses only."""

    def __init__(self, timeout: float, max_bytes: int, resolver: Resolver) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._resolver = resolver
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Look the host up, check every address, and connect to the first that answers."""
        meter = _Meter(self._timeout, self._max_bytes)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                stream = self._sockets.connect_tcp(
                    address, port, meter.left(), local_address, socket_options
                )
            except httpcore.ConnectError as error:
                failure = error
            else:
                return _Stream(stream, meter)
        raise failure

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """Refuse: nothing public listens there."""
        raise UnsafeAddress("This address is not on the public internet.")

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address") from error
        # One private address among public ones is an attack or a mistake.
        if not all(is_allowed(ipaddress.ip_address(address)) for address in addresses):
            raise UnsafeAddress("This address is not on the public internet.")
        return addresses


class _Meter:
    """What is left of one request's time and of its answer's size."""

    def __init__(self, timeout: float, max_bytes: int) -> None:
        self._deadline = time.monotonic() + timeout
        self._bytes = max_bytes

    def left(self) -> float:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout("The time for this request is up.")
        return seconds

    def count(self, size: int) -> None:
        self._bytes -= size
        if self._bytes < 0:
            raise AnswerTooBig("The answer is too big.")


class _Stream(httpcore.NetworkStream):
    """A connection that serves one request, on its meter."""

    def __init__(self, inner: httpcore.NetworkStream, meter: _Meter) -> None:
        self._inner = inner
        self._meter = meter

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._inner.read(max_bytes, self._meter.left())
        self._meter.count(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            piece = buffer[start : start + _WRITE_BYTES]
            self._inner.write(piece, self._meter.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secure = self._inner.start_tls(ssl_context, server_hostname, self._meter.left())
        return _Stream(secure, self._meter)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


@functools.cache
def _extra(networks: tuple[str, ...]) -> list[Network]:
    return [ipaddress.ip_network(network) for network in networks]


def _literal(host: str) -> Address | None:
    """Return the address that a host spells, however odd: `0x7f.1` is 127.0.0.1."""
    if host == "localhost" or host.endswith(".localhost"):
        return ipaddress.IPv4Address("127.0.0.1")
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
