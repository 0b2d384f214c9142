"""How HTTP callers prove who they are.

A view's order is: `x-api-key`, `Authorization: Bearer`, cookie. The first one that is present
decides: a bad one is refused there and then, so a stale cookie never shadows a good header.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import selectors
from accounts.keys import KeyType
from accounts.models import User
from accounts.principal import Principal, ServicePrincipal
from accounts.services.login import LIFETIME, InvalidCredentials
from orsta.core import errors
from orsta.core.api import addresses

COOKIE = "orsta_session"
API_KEY_HEADER = "x-api-key"
SERVICE_KEY_HEADER = "x-internal-api-key"
_CHALLENGE = 'Bearer realm="orsta"'


class ApiKeyInactive(errors.Unauthenticated):
    """A genuine API key that was never turned on, or was turned off."""

    code = "api_key_inactive"


class InvalidApiKey(errors.Unauthenticated):
    """The API key does not exist, was revoked, has expired, or is mistyped."""

    code = "invalid_api_key"


class InvalidServiceKey(errors.Unauthenticated):
    """The service key does not exist, was revoked, has expired, or is mistyped."""

    code = "invalid_service_key"


class CredentialMissing(errors.Unauthenticated):
    """The request carries no key, no token and no cookie."""

    code = "not_authenticated"


class AddressNotAllowed(errors.Denied):
    """The key is good, and may not be used from the address that the request came from."""

    code = "address_not_allowed"


class TenantSuspended(errors.Denied):
    """The workspace was suspended, or is about to be deleted."""

    code = "tenant_suspended"

    def __init__(self) -> None:
        super().__init__("This workspace is suspended. Please contact support.")


class CsrfFailed(errors.Denied):
    """A cookie came without proof that our own pages sent the request."""

    code = "csrf_failed"


def give_cookie(response: HttpResponse, token: str) -> None:
    """Let the browser carry a login token."""
    _set_cookie(response, token, max_age=int(LIFETIME.total_seconds()))


def take_cookie(response: HttpResponse) -> None:
    """Make the browser forget its login token."""
    _set_cookie(response, "", max_age=0)


def _set_cookie(response: HttpResponse, value: str, *, max_age: int) -> None:
    response.set_cookie(
        COOKIE,
        value,
        max_age=max_age,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def bearer_of(header: str | None) -> str | None:
    """Return what an `Authorization` header bears; None without one, or for other schemes."""
    scheme, _, value = (header or "").strip().partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def principal_of_bearer(text: str, *, address: str | None) -> Principal:
    """Return who bears a login token or an API key.

    :raises InvalidCredentials: it is neither.
    :raises errors.DomainError: it is an API key that is refused; see `principal_of_api_key`.
    """
    if text.startswith(f"{KeyType.API_KEY}_"):
        return principal_of_api_key(text, address=address)
    principal = selectors.principal_of_token(text, now=timezone.now())
    if principal is None:
        raise InvalidCredentials
    return principal


def principal_of_api_key(text: str, *, address: str | None) -> Principal:
    """Return the tenant that an API key acts for.

    :param address: where the caller is; None where that is unknown.
    :raises InvalidApiKey: it is not a key, was revoked, or has expired.
    :raises ApiKeyInactive: its tenant's API is turned off.
    :raises TenantSuspended: its tenant may not act.
    :raises AddressNotAllowed: it does not work from there.
    """
    principal = selectors.principal_of_api_key(text, now=timezone.now())
    if principal is None:
        raise _refusal_of(text)
    if not principal.may_call_from(address):
        raise AddressNotAllowed(
            "This API key may not be used from this address.", address=address or ""
        )
    return principal


def _refusal_of(text: str) -> errors.DomainError:
    row = selectors.living_api_key(text, now=timezone.now())
    if row is None:
        return InvalidApiKey("invalid api key")
    if not row.tenant.is_active:
        return TenantSuspended()
    return ApiKeyInactive(
        "This API key is turned off. Turn it on in the console or with "
        "POST /billing/enable-api-key."
    )


class _Authentication(BaseAuthentication):
    def authenticate_header(self, request: Request) -> str:
        return _CHALLENGE


class ApiKeyAuthentication(_Authentication):
    """`x-api-key: ork_…`"""

    def authenticate(self, request: Request) -> tuple[User | None, Principal] | None:
        """Return the person who made the key, and the principal; None without the header."""
        text = request.headers.get(API_KEY_HEADER)
        if text is None:
            return None
        address = addresses.client_address(request)
        principal = principal_of_api_key(text.strip(), address=address)
        return principal.user, principal


class BearerAuthentication(_Authentication):
    """`Authorization: Bearer` with a login token or an API key."""

    def authenticate(self, request: Request) -> tuple[User | None, Principal] | None:
        """Return the person and the principal; None without a Bearer header."""
        text = bearer_of(request.headers.get("Authorization"))
        if text is None:
            return None
        principal = principal_of_bearer(text, address=addresses.client_address(request))
        return principal.user, principal


class CookieAuthentication(_Authentication):
    """The cookie of a login; whatever changes something needs a CSRF token beside it."""

    def authenticate(self, request: Request) -> tuple[User | None, Principal] | None:
        """Return the person and the principal; None without the cookie.

        :raises InvalidCredentials: the login ended.
        :raises CsrfFailed: no CSRF token on an unsafe method.
        """
        text = request.COOKIES.get(COOKIE)
        if not text:
            return None
        principal = selectors.principal_of_token(text, now=timezone.now())
        if principal is None:
            raise InvalidCredentials
        _enforce_csrf(request)
        return principal.user, principal


class ServiceKeyAuthentication(_Authentication):
    """`x-internal-api-key: ors_…`, or the same key as Bearer."""

    def authenticate(self, request: Request) -> tuple[None, ServicePrincipal] | None:
        """Return the sibling service; None without either header.

        The header of its own decides alone, unless it is empty.

        :raises InvalidServiceKey: the key opens nothing.
        """
        text = request.headers.get(SERVICE_KEY_HEADER, "").strip()
        text = text or bearer_of(request.headers.get("Authorization")) or ""
        if not text:
            return None
        principal = selectors.principal_of_service_key(text, now=timezone.now())
        if principal is None:
            raise InvalidServiceKey("invalid internal api key")
        return None, principal


CUSTOMER = [ApiKeyAuthentication, BearerAuthentication, CookieAuthentication]


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason  # not a page: the caller makes a problem document of it


def _enforce_csrf(request: Request) -> None:
    def unused(_: HttpRequest) -> HttpResponse:
        raise AssertionError("only the checks of the middleware run")

    # Django's request: DRF's would parse the body to look for a form field.
    plain = request._request  # noqa: SLF001
    check = _CsrfCheck(unused)
    check.process_request(plain)
    reason = check.process_view(plain, unused, (), {})
    if reason:
        raise CsrfFailed(f"{reason} Send the CSRF cookie's value in X-CSRFToken.")


class _ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": API_KEY_HEADER}


class _BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A login token or an API key",
        }


class _CookieScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = CookieAuthentication
    name = "cookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": COOKIE}


class _ServiceKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ServiceKeyAuthentication
    name = "serviceKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": SERVICE_KEY_HEADER}
