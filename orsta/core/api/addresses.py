"""Where a request really comes from.

Anybody can write `X-Forwarded-For`; only the entries that our own proxies added are true. They
are the last ones, so the header is read from the right, for as long as proxies are trusted.
"""

import functools
import ipaddress
from typing import Any

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address; None when there is none (a Unix socket)."""
    return _resolve(
        str(request.META.get("REMOTE_ADDR", "")), request.headers.get("X-Forwarded-For", "")
    )


def scope_address(scope: dict[str, Any]) -> str | None:
    """Return the same for an ASGI scope."""
    peer, *_ = scope.get("client") or ("",)
    lines = (
        value.decode("latin-1")
        for name, value in scope["headers"]
        if name.lower() == b"x-forwarded-for"
    )
    return _resolve(str(peer), ",".join(lines))


def _resolve(peer: str, forwarded: str) -> str | None:
    """Walk from the peer towards the client, over trusted proxies only.

    An entry that is no address ends the walk: what a proxy cannot name, nobody vouches for.
    """
    address = _parse(peer)
    hops = [_parse(text) for text in reversed(forwarded.split(","))]
    for hop in hops:
        if address is None or hop is None or not _is_trusted(address):
            break
        address = hop
    return None if address is None else str(address)


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    # A dual-stack socket shows IPv4 peers as ::ffff:192.0.2.1; rules are written for IPv4.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_trusted(address: Address) -> bool:
    return any(
        address in network for network in _networks(tuple(settings.ORSTA_TRUSTED_PROXIES))
    )


@functools.cache
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)
