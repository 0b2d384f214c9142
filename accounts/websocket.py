"""How WebSocket callers prove who they are: before the socket is accepted.

The order is that of HTTP. Browsers send cookies along with any page's socket, so the cookie
counts only when the `Origin` header names this very host (cross-site WebSocket hijacking).
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.http import parse_cookie
from django.utils import timezone

from accounts import authentication, selectors
from accounts.principal import Principal
from orsta.core import errors, limits
from orsta.core.api import addresses
from orsta.core.api import errors as problems
from orsta.core.api.throttling import REFUSED_ADDRESS
from orsta.core.observability import origin, tracing

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_BAD_TOKEN = "Missing or invalid session token"  # noqa: S105 (a sentence)


class BadToken(errors.Unauthenticated):
    """Neither a token nor a cookie of this site opens anything."""

    code = "invalid_session_token"


class PrincipalMiddleware:
    """Puts the principal into `scope["principal"]`, or answers the upgrade with 401."""

    def __init__(self, inner: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate, then let the consumer have the socket.

        What runs for the socket inherits the origin: its threads copy this task's context.
        """
        tracing.start()
        origin.bind(addresses.scope_address(scope), _user_agent(scope))
        try:
            principal = await database_sync_to_async(admit)(scope)
        except errors.DomainError as error:
            await receive()  # websocket.connect
            await _refuse(scope, send, error)
        else:
            await self._inner({**scope, "principal": principal}, receive, send)
        finally:
            origin.clear()


def admit(scope: Scope) -> Principal:
    """Return who opens this socket; count a refusal against the address, as HTTP does.

    :raises LimitReached: there were too many refusals, whatever the reason of this one.

    Otherwise raises as `principal_of`.
    """
    try:
        return principal_of(scope)
    except (errors.Unauthenticated, errors.Denied):
        limits.check(REFUSED_ADDRESS, addresses.scope_address(scope) or limits.NO_ADDRESS)
        raise


def _user_agent(scope: Scope) -> str:
    lines = (value for name, value in scope["headers"] if name.lower() == b"user-agent")
    return next(lines, b"").decode("latin-1")


def principal_of(scope: Scope) -> Principal:
    """Return who opens this socket.

    :raises InvalidApiKey: an API key header, even an empty one, decides alone; it is no good.
    :raises BadToken: nothing else that was presented is good.
    :raises errors.Denied: the workspace is suspended, or the key is not for this address.
    """
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    address = addresses.scope_address(scope)
    key = headers.get(authentication.API_KEY_HEADER.encode())
    if key is not None:
        return _by_api_key(key.strip(), address)
    bearer = authentication.bearer_of(headers.get(b"authorization"))
    return _by_cookie(scope, headers) if bearer is None else _by_bearer(bearer, address)


def _by_api_key(text: str, address: str | None) -> Principal:
    try:
        return authentication.principal_of_api_key(text, address=address)
    except errors.Unauthenticated as error:
        raise authentication.InvalidApiKey("Invalid or inactive API key") from error


def _by_bearer(text: str, address: str | None) -> Principal:
    try:
        return authentication.principal_of_bearer(text, address=address)
    except errors.Unauthenticated as error:
        raise BadToken(_BAD_TOKEN) from error


def _by_cookie(scope: Scope, headers: dict[bytes, str]) -> Principal:
    principal = None
    if _is_same_origin(scope, headers):
        token = parse_cookie(headers.get(b"cookie", "")).get(authentication.COOKIE, "")
        principal = selectors.principal_of_token(token, now=timezone.now())
    if principal is None:
        raise BadToken(_BAD_TOKEN)
    return principal


def _is_same_origin(scope: Scope, headers: dict[bytes, str]) -> bool:
    origin = headers.get(b"origin", "").lower()
    scheme = "https" if _is_secure(scope, headers) else "http"
    own = f"{scheme}://{headers.get(b'host', '').lower()}"
    return origin == own or origin in settings.CSRF_TRUSTED_ORIGINS


def _is_secure(scope: Scope, headers: dict[bytes, str]) -> bool:
    if scope.get("scheme") in {"wss", "https"}:
        return True
    if settings.SECURE_PROXY_SSL_HEADER is None:
        return False
    name, value = settings.SECURE_PROXY_SSL_HEADER  # as WSGI spells it: HTTP_X_…
    header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
    return headers.get(header) == value


async def _refuse(scope: Scope, send: Send, error: errors.DomainError) -> None:
    """Answer over HTTP where the server can; elsewhere a close before accept becomes a 403.

    https://asgi.readthedocs.io/en/stable/extensions.html#websocket-denial-response
    """
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 4401})
        return
    status = problems.status_of(type(error))
    body = problems.problem(status_code=status, code=error.code, detail=error.message)
    headers = [
        (b"content-type", problems.CONTENT_TYPE.encode()),
        (b"www-authenticate", b'Bearer realm="orsta"'),
    ]
    if (seconds := error.details.get("retry_after")) is not None:
        headers.append((b"retry-after", str(seconds).encode()))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": json.dumps(body).encode()})
